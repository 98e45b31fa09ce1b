"""The language of an answer: the one chosen on the pages, else that of `Accept-Language`, else French."""

from typing import Annotated

from fastapi import Depends, Request

from api.cookies import cookie_of

LANGUAGE_COOKIE = "reperio_language"
LANGUAGES = ("fr", "en")


def language_of(request: Request) -> str:
    """Return the language of the pages' cookie, else the preferred one of `Accept-Language`, else `fr`.

    Of `fr` and `en`, the one with the higher quality value (RFC 9110, 12.5.4) is preferred; the first of equals.
    """
    chosen = cookie_of(request, LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    best, weight = "fr", 0.0
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        name = tag.strip().split("-")[0]
        if name in LANGUAGES and quality > weight:
            best, weight = name, quality
    return best


# Asynchronous, as every dependency that only reads the request: a plain function would cost a switch to a thread.
async def asked_language(request: Request) -> str:
    """Return the language of the answer."""
    return language_of(request)


Language = Annotated[str, Depends(asked_language)]
