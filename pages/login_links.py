"""A link that logs in, as the page shows it to which the form that made it has led."""

import segno
from fastapi import Request

import errors
from accounts import login_links
from pages.carried import carried


def shown_link(request: Request, user_id: int | None = None) -> str:
    """Return the link that a form has left for this page, while it still logs in; else an empty text.

    With `user_id`, only a link of this account.
    """
    token = carried(request)
    if token is None:
        return ""
    try:
        owner = login_links.owner_of(token)
    except errors.LoginLinkInvalid:
        return ""
    return login_links.url_of(token) if user_id in (None, owner.id) else ""


def qr_of(link: str) -> str:
    """Return the QR code of a link, as the address of a picture."""
    return str(segno.make(link, error="m", micro=False).png_data_uri(scale=5, border=4))
