"""The app on a phone's home screen: on iPhones it has cookies of its own, so it starts with a link that logs in."""

from fastapi import Request

from accounts import login_links
from models import GUEST, User

# Browsers made of Chromium or Firefox name Safari too.
OTHERS = ("Chrome", "Chromium", "CriOS", "FxiOS", "Edg", "OPR", "Android")


def is_safari(request: Request) -> bool:
    """Return whether the browser is Safari, whose home screen apps do not share its cookies."""
    agent = request.headers.get("user-agent", "")
    return "Safari/" in agent and not any(name in agent for name in OTHERS)


def start_url(user: User | None, event_id: int | None) -> str:
    """Return where the app starts: for a guest with a link that logs in once, else at the first page.

    Until it is used, the link is the same for every call of a session. A later start finds the app's session.
    """
    if user is None or user.user_type != GUEST or event_id is None:
        return "/"
    token = login_links.issue_for_app(user)
    return f"/enter?app=1#{token}" if token else "/"
