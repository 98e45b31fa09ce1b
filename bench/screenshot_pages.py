"""The pages that `bench.screenshots` shows: a table, and the steps that lead to what no address has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import Page

Step = Callable[[Page], object]


@dataclass(frozen=True, slots=True)
class Shot:
    """A page: its name, who sees it, its address, and what is done there. Without an address, the page before it.

    `who` is the name of a token of the event; "anyone" has none, and "newcomer" has none but a camera.
    """

    name: str
    who: str
    address: str = ""
    step: Step = lambda page: page.wait_for_load_state("networkidle")


def click(selector: str, awaited: str, page: Page) -> None:
    """Click on the first of these, and wait until something is seen."""
    page.locator(selector).first.click()
    page.wait_for_selector(awaited)


def tap(selector: str, awaited: str) -> Step:
    """Return the step that clicks and waits."""
    return partial(click, selector, awaited)


def choose(page: Page) -> None:
    """Choose three photos of the gallery."""
    page.locator("[data-choosing=begin]").click()
    for place in range(3):
        page.locator(".tile").nth(place).click()


ACTION = "main button.main:visible"
EMPTY = (Shot("admin-overview-empty", "admin", "/admin"), Shot("admin-events-empty", "admin", "/admin/events"))
PAGES = (
    Shot("home", "anyone", "/"),
    Shot("login", "anyone", "/login"),
    Shot("forgot", "anyone", "/forgot"),
    Shot("reset", "anyone", "/reset#{enter}"),
    Shot("lost", "anyone", "/lost"),
    Shot("enter", "anyone", "/enter#{enter}"),
    Shot("gone", "anyone", "/gone"),
    Shot("goodbye", "anyone", "/goodbye"),
    Shot("offline", "anyone", "/offline"),
    Shot("not-found", "anyone", "/nowhere"),
    Shot("join-code", "anyone", "/join"),
    Shot("join-wrong", "anyone", "/join?event_code=APOLO"),
    Shot("join-over", "anyone", "/join?event_code=OVER25"),
    Shot("join-form", "anyone", "/join?event_code={code}&form=true"),
    Shot("privacy", "anyone", "/privacy?event_code={code}"),
    Shot("privacy-any", "anyone", "/privacy"),
    Shot("shared", "anyone", "/shared/{shared}"),
    Shot("shared-report", "anyone", "/shared/{shared}/photos/{photo}/report"),
    Shot("shared-gone", "anyone", "/shared/AAAAAAAAAAAAAAAAAAAAAA"),
    Shot("invitation", "anyone", "/together/{together}"),
    Shot("join", "newcomer", "/join?event_code={code}"),
    Shot("camera", "newcomer", "", tap(ACTION, "#frame[data-state=live]")),
    Shot("review", "newcomer", "", tap(ACTION, "#frame[data-state=ready]")),
    Shot("found", "newcomer", "", tap(ACTION, ".tile img.there")),
    Shot("keep", "newcomer", "/keep"),
    Shot("leave", "newcomer", "/leave"),
    Shot("gallery", "guest", "/photos", lambda page: page.wait_for_selector("#weight:not(:empty)")),
    Shot("viewer", "guest", "", tap(".tile a", "dialog .slide:not([inert]) img.there")),
    Shot("choosing", "guest", "/photos", choose),
    Shot("choosing-link", "guest", "", tap("[data-choosing=panel] summary", ".choose-link")),
    Shot("favourites", "guest", "/photos?show=favourites"),
    Shot("for-everyone", "guest", "/photos?show=all"),
    Shot("maybe", "guest", "/photos/maybe?event={event}"),
    Shot("together", "guest", "/together"),
    Shot("notify", "guest", "/notify?event={event}"),
    Shot("links", "guest", "/links"),
    Shot("report", "guest", "/photos/{photo}/report"),
    Shot("portraits", "guest", "/selfie"),
    Shot("account", "guest", "/account"),
    Shot("security", "guest", "/account/security"),
    Shot("not-allowed", "guest", "/admin"),
    Shot("gallery-new", "new", "/photos"),
    Shot("invited", "new", "/together/{together}"),
    Shot("studio", "photographer", "/studio"),
    Shot("studio-event", "photographer", "/studio/{event}"),
    Shot("studio-viewer", "photographer", "", tap(".shot img", "dialog[open] img")),
    Shot("studio-sections", "photographer", "/studio/{event}/sections"),
    Shot("studio-requests", "photographer", "/studio/{event}/requests"),
    Shot("studio-help", "photographer", "/studio/{event}/help"),
    Shot("studio-poster", "photographer", "/studio/{event}/poster?design=bold&format=a5"),
    Shot("second-factor", "photographer", "/account/second-factor"),
    Shot("admin-overview", "admin", "/admin"),
    Shot("admin-events", "admin", "/admin/events"),
    Shot("admin-event-new", "admin", "/admin/events/new"),
    Shot("admin-event", "admin", "/admin/events/{event}"),
    Shot("admin-guest", "admin", "/admin/events/{event}/guests/{user}"),
    Shot("admin-sections", "admin", "/admin/events/{event}/sections"),
    Shot("admin-poster", "admin", "/admin/events/{event}/poster?design=photo"),
    Shot("admin-delete", "admin", "/admin/events/{event}/delete"),
    Shot("admin-photographers", "admin", "/admin/photographers"),
    Shot("admin-photographer-new", "admin", "/admin/photographers/new"),
    Shot("admin-photographer", "admin", "/admin/photographers/{owner}"),
    Shot("admin-jobs", "admin", "/admin/jobs"),
    Shot("admin-audit", "admin", "/admin/audit"),
)
