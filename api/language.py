"""The language of an answer: chosen on the pages, else asked for in `Accept-Language`, else French."""

from typing import Annotated

from fastapi import Depends, Request

LANGUAGE_COOKIE = "reperio_language"
LANGUAGES = ("fr", "en")


def language_of(request: Request) -> str:
    """Return what was chosen on our pages, else `en` where the caller prefers English to French, else `fr`."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
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


# Dependencies that only look at the request are asynchronous: a plain one costs a hop to a thread and back.
async def asked_language(request: Request) -> str:
    """Return the language of the caller."""
    return language_of(request)


Language = Annotated[str, Depends(asked_language)]
