"""The CSRF token of a page, which its forms and its scripts send."""

import re

_HIDDEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_META = re.compile(r'name="csrf-token" content="([^"]+)"')


def form_token(page: str) -> str:
    """Return the token in the forms of a page, as a browser without scripts sends it."""
    return _first(_HIDDEN, page)


def script_token(page: str) -> str:
    """Return the token in the head of a page, which every page has for its scripts."""
    return _first(_META, page)


def _first(token: re.Pattern[str], page: str) -> str:
    found = token.search(page)
    assert found, page[:300]
    return found[1]
