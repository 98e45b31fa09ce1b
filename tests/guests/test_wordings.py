"""The pages show the wording that is recorded."""

import pytest

from guests import wordings
from pages.i18n import catalogue


@pytest.mark.parametrize("language", wordings.LANGUAGES)
@pytest.mark.parametrize("provider", ["", wordings.AZURE])
def test_the_pages_say_the_newest_wording_word_for_word(language: str, provider: str) -> None:
    (wording,) = [each for each in wordings.wordings_of(wordings.CURRENT, language) if each.provider == provider]

    def said(key: str) -> str:
        # Files have ordinary spaces where pages keep French punctuation on its line.
        return str(catalogue(language)[f"guest.consent.{key}"]).replace("\u00a0", " ")

    first = "first_azure" if provider else "first"
    details = [[said(f"{part}.title"), said(part)] for part in ("what", "who", "long", "erase")]
    assert wording.paragraphs == [[f"{said(first)} {said('second')}"], *details]
