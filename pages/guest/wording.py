"""The wordings of the consent: which one a submitted form has shown, and the page that shows those of a version."""

from typing import Annotated

from fastapi import Form, Query, Request, Response

import errors
from api.fields import ConsentVersion
from api.language import LANGUAGES, Language
from guests import wordings
from guests.wordings import CURRENT, Wording
from pages.rendering import page_router, render

router = page_router()
# The digest of the wording that a form has shown. A language chosen in another tab since does not change it.
Shown = Annotated[str, Form(alias="wording")]
Asked = Annotated[str | None, Query(alias="language", description="`fr` or `en`; by default the reader's.")]


def agreed(digest: str, language: str, version: str = CURRENT) -> Wording:
    """Return the wording of this digest if it is of this version, else the one that is shown in this language."""
    found = [each for each in wordings.all_wordings() if (each.sha256, each.version) == (digest, version)]
    return found[0] if found else wordings.shown(language, version)


@router.get("/consent/{version}")
def wordings_page(version: ConsentVersion, request: Request, language: Language, asked: Asked = None) -> Response:
    """Return the public page with the wordings of a version.

    Raises:
        NoSuchWording: there is none of this version in this language.
    """
    chosen = asked if asked in LANGUAGES else language
    found = wordings.wordings_of(version, chosen)
    if not found:
        raise errors.NoSuchWording
    return render(request, "guest/wording.html", version=version, found=found, chosen=chosen, languages=LANGUAGES)
