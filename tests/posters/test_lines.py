"""Text in lines: which glyphs, in which order, how large."""

from pathlib import Path

import pytest

from posters import typefaces
from posters.formats import lay_out
from posters.lines import Style, fit, lacking, printable
from posters.pdf import pdf
from posters.typefaces import FALLBACKS, FOLDER, chain, typeface
from settings import get_settings
from tests.posters.contents import content

STYLE = Style("cormorant-medium")
LATIN = [path.stem for path in FOLDER.glob("*.ttf") if path.stem not in FALLBACKS]
# French, Polish, Czech, Slovak, Hungarian, Romanian, Croatian, Turkish, Baltic and Nordic letters; what names need.
LETTERS = (
    "ÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸàâæçéèêëîïôœùûüÿĄĆĘŁŃÓŚŹŻąćęłńóśźżČĎĚŇŘŠŤŮŽčďěňřšťůžĹĽŔĺľŕŐŰőűĂȘȚășțĐđĞİŞğışĀĒĢĪĶĻŅŪāēģīķļņūĖėĮįŲų"
    "ÅØÄÖåøäößñÑãõ0123456789&@#+-–—’“”«»…·!?()/%€°"
)


@pytest.fixture
def no_further_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the font that the settings name."""
    monkeypatch.setattr(get_settings(), "poster_font", "")


@pytest.mark.parametrize("name", LATIN)
def test_the_fonts_have_the_letters_of_europe(name: str) -> None:
    lacks = [letter for letter in LETTERS if not any(font.has(letter) for font in chain(name)[:2])]
    assert lacks == []
    # Those of France are the font's own.
    assert typeface(name).has("ÀÂÆÇÉÈÊËÎÏÔŒÙÛÜàâæçéèêëîïôœùûüÿ’«»…&")


def test_what_no_font_has_is_left_out_and_named(no_further_font: None) -> None:
    assert printable("Kenji 佐藤 & Zoé\u202e 𐎀", STYLE) == "Kenji & Zoé"
    assert lacking("Kenji 佐藤 & Zoé 佐", STYLE) == "佐藤"
    assert fit("佐藤", STYLE, 100, 50, (10, 2)).lines == ()
    assert fit("सो\u200d \u200c", STYLE, 100, 50, (10, 2)).lines == ()
    # Marks are named with their letters.
    assert lacking("ที่นี่ที่ กี\u200d", STYLE) == "ที่นี่กี"


def test_fonts_of_the_machine_draw_what_ours_lack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(typefaces, "FALLBACKS", ())
    hebrew = (FOLDER / "noto-sans-hebrew-medium.ttf").read_bytes()
    (tmp_path / "hebrew.ttf").write_bytes(hebrew)
    (tmp_path / "cut.ttf").write_bytes(hebrew[:3000])
    (tmp_path / "text.otf").write_text("no font")
    paths = [str(tmp_path / name) for name in ("missing.ttf", "cut.ttf", "text.otf", "hebrew.ttf")]
    monkeypatch.setattr(get_settings(), "poster_font", ", ".join(paths))
    assert printable("נועה ♥", STYLE) == "נועה"
    assert lacking("נועה ♥", STYLE) == "♥"
    assert pdf(lay_out("quiet", "a6", content("נועה")), "נועה").startswith(b"%PDF")
    # Those that are there and cannot be used are named.
    assert [path for path in paths if path in caplog.text] == paths[1:3]


def test_emoji_are_drawn_without_their_variants() -> None:
    assert printable("Lou 💍\ufe0f 👩🏽", STYLE) == "Lou 💍 👩"
    assert lacking("Lou 💍\ufe0f 👩🏽", STYLE) == ""


def test_a_name_keeps_its_spaces_that_do_not_break() -> None:
    assert printable("  Qui ?\n\tMoi ", STYLE) == "Qui ? Moi"
    assert len(fit("Qui\u00a0? Moi", STYLE, 20, 60, (9, 2)).lines) > 1


def test_letters_join_as_their_writing_wants() -> None:
    run = fit("سلام", STYLE, 100, 20, (10, 2)).lines[0].runs[0]
    apart = fit("س\u200cل\u200cا\u200cم", STYLE, 100, 20, (10, 2)).lines[0].runs[0]
    assert run.typeface.name == "noto-sans-arabic-medium"
    assert sum(glyph.advance for glyph in run.glyphs) < 0.95 * sum(glyph.advance for glyph in apart.glyphs)


@pytest.mark.parametrize(
    "text", ["Léa & Tom", "mot " * 75, "w" * 300, "佐" * 300, "ا" * 300, "\u0301" * 300, "", " "]
)
def test_any_text_fits_into_its_place(text: str) -> None:
    for width, height in ((110, 40), (30, 6), (8, 4)):
        setting = fit(text, STYLE, width, height, (16, 2))
        assert setting.width <= width + 0.01
        assert setting.height <= height + 0.01


def test_a_large_word_is_broken_before_it_is_too_small_to_read() -> None:
    assert fit("w" * 60, STYLE, 100, 60, (16, 2)).size > 6


def test_lines_are_balanced() -> None:
    widths = [line.width for line in fit("Mariage de Camille et Alexandre", STYLE, 100, 40, (16, 2)).lines]
    assert len(widths) == 2
    assert max(widths) / min(widths) < 1.6


def test_every_font_has_its_licence_beside_it() -> None:
    licences = {path.stem.removeprefix("OFL-") for path in FOLDER.glob("OFL-*.txt")}
    families = {"cormorant": "cormorant-garamond", "bricolage": "bricolage-grotesque"}
    for path in FOLDER.glob("*.ttf"):
        name = families.get(path.stem.split("-")[0], path.stem)
        assert any(name.startswith(licence) for licence in licences), path.name
    texts = [Path(path).read_text() for path in FOLDER.glob("OFL-*.txt")]
    assert all("SIL OPEN FONT LICENSE Version 1.1" in text for text in texts)


@pytest.mark.parametrize("name", ["佐藤さんと田中さん", "张伟与李娜", "김민준 & 이서연"])
def test_names_of_east_asia_are_printed_or_named(name: str) -> None:
    """By the fonts of the machine, if it has them."""
    shown, missing = printable(name, STYLE), lacking(name, STYLE)
    assert {*shown, *missing, " "} == {*name, " "}
    assert not set(shown) & set(missing)
