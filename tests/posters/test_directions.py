"""Which way the parts of a line are written, by the figures of the Unicode bidirectional algorithm (UAX #9)."""

import pytest

from posters.directions import base_level, from_left_to_right, levels
from posters.lines import Style, fit

# Unicode's BidiCharacterTest 17.0: characters, level of the paragraph, levels. The first twelve are the examples of
# rule N0; then marks on brackets, numbers with their signs and separators, nested brackets.
FIGURES = """
5D0 5D1 28 5D2 5D3 5B 26 65 66 5D 2E 29 67 68;0;1 1 0 1 1 0 0 0 0 0 0 0 0 0
5D0 5D1 28 5D2 5D3 5B 26 65 66 5D 2E 29 67 68;1;1 1 1 1 1 1 1 2 2 1 1 1 2 2
61 62 63 20 28 64 65 66 20 627 628 62C 29 20 5D0 5D1 5D2;0;0 0 0 0 0 0 0 0 0 1 1 1 0 0 1 1 1
61 62 63 20 28 64 65 66 20 627 628 62C 29 20 5D0 5D1 5D2;1;2 2 2 1 1 2 2 2 1 1 1 1 1 1 1 1 1
5D0 5D1 5D2 20 28 64 65 66 20 627 628 62C 29 20 61 62 63;0;1 1 1 0 0 0 0 0 0 1 1 1 0 0 0 0 0
5D0 5D1 5D2 20 28 64 65 66 20 627 628 62C 29 20 61 62 63;1;1 1 1 1 1 2 2 2 1 1 1 1 1 1 2 2 2
61 62 63 20 28 627 628 62C 20 64 65 66 29 20 5D0 5D1 5D2;0;0 0 0 0 0 1 1 1 0 0 0 0 0 0 1 1 1
61 62 63 20 28 627 628 62C 20 64 65 66 29 20 5D0 5D1 5D2;1;2 2 2 1 1 1 1 1 1 2 2 2 1 1 1 1 1
5D0 5D1 5D2 20 28 627 628 62C 20 64 65 66 29 20 61 62 63;0;1 1 1 0 0 1 1 1 0 0 0 0 0 0 0 0 0
5D0 5D1 5D2 20 28 627 628 62C 20 64 65 66 29 20 61 62 63;1;1 1 1 1 1 1 1 1 1 2 2 2 1 1 2 2 2
627 628 62C 20 62 6F 6F 6B 28 73 29;0;1 1 1 0 0 0 0 0 0 0 0
627 628 62C 20 62 6F 6F 6B 28 73 29;1;1 1 1 1 2 2 2 2 2 2 2
61 28 62 29 331;1;2 2 2 2 2
5D0 28 332 5D1 29 333;0;1 1 1 1 1 1
661 28 332 662 29 333;0;2 1 1 2 1 1
62A 31 2F 32;0;1 2 2 2
661 2D 31;0;2 0 0
61 20 31 20 32 2D 33;1;2 2 2 2 2 2 2
5D0 20 31 2D 32;0;1 1 2 2 2
61 28 5D0 5B 5D1 5D 21 29 62;0;0 0 1 1 1 1 0 0 0
61 28 5D0 5B 5D1 5D 21 29 62;1;2 1 1 1 1 1 1 1 2
5D0 28 61 5B 62 5D 21 29 5D1;0;1 0 0 0 0 0 0 0 1
5D0 28 61 5B 62 5D 21 29 5D1;1;1 1 2 2 2 2 1 1 1
""".strip().splitlines()


@pytest.mark.parametrize("figure", FIGURES)
def test_levels_are_those_of_unicode(figure: str) -> None:
    characters, base, expected = figure.split(";")
    text = "".join(chr(int(each, 16)) for each in characters.split())
    assert levels(text, int(base)) == [int(each) for each in expected.split()]


def test_more_brackets_than_can_be_open_are_no_pairs() -> None:
    assert set(levels("a" + "(" * 63 + "b" + ")" * 63, 1)) == {2}
    assert levels("a" + "(" * 64 + "b" + ")" * 64, 1) == [2] * 66 + [1] * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc def", "abc def"),
        ("ליאה", "האיל"),
        ("ליאה 2030", "2030 האיל"),
        ("ליאה Tom", "Tom האיל"),
        ("Tom ליאה 2030!", "Tom 2030 האיל!"),
        ("Léa (ליאה) & Tom", "Léa (האיל) & Tom"),
        ("", ""),
    ],
)
def test_the_order_from_left_to_right(text: str, expected: str) -> None:
    placed = from_left_to_right(list(zip(levels(text), text, strict=True)))
    assert "".join(each for _, each in placed) == expected


@pytest.mark.parametrize(
    ("text", "base"), [("(2030) ליאה", 1), ("ליאה Tom", 1), ("Tom ליאה", 0), ("2030 · (…)", 0), ("", 0)]
)
def test_a_paragraph_runs_as_its_first_letter_does(text: str, base: int) -> None:
    assert base_level(text) == base


def test_brackets_and_their_words_are_written_the_same_way() -> None:
    """Both brackets stand around "Tom", and both are mirrored as the Hebrew around them is written."""
    style = Style("figtree-regular")

    def glyphs(text: str) -> list[int]:
        return [glyph.number for run in fit(text, style, 200, 20, (5, 2)).lines[0].runs for glyph in run.glyphs]

    opening, closing = glyphs("()")
    found = glyphs("ליאה ונועה (Tom)")
    assert [found[0], found[4]] == [opening, closing]
    assert found[1:4] == glyphs("Tom")


def test_every_line_of_a_name_runs_as_its_first_one() -> None:
    """The second line begins with a Latin word, and yet its bracket closes on the left."""
    style = Style("figtree-regular")
    first, second = fit("החתונה של Camille (ליאה)", style, 30, 40, (6, 5.9), 2).lines
    whole = fit("Camille (ליאה)", style, 200, 40, (6, 2)).lines[0]
    assert first.runs
    assert second.runs[-1].typeface.name == "figtree-regular"
    assert whole.runs[0].typeface.name == "figtree-regular"
