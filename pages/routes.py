"""Every router of the pages, in the order in which addresses are compared."""

from pages import assets, login, older, resets, second_factor, security, site
from pages.admin import audit, event, events, jobs, overview, photographers, reset_link
from pages.guest import account, gallery, join, maybe, notify, portrait, start, together
from pages.photographer import cameras, studio

GUEST = (
    join.router,
    start.router,
    portrait.router,
    gallery.router,
    maybe.router,
    together.router,
    notify.router,
    notify.links,
    account.router,
)
# The list of events comes before a single event: `/admin/events/new` would match the address of an event.
ADMIN = (
    overview.router,
    events.router,
    event.router,
    reset_link.router,
    photographers.router,
    jobs.router,
    audit.router,
)
ACCOUNT = (login.router, resets.router, security.router, second_factor.router)
ROUTERS = (assets.router, *ACCOUNT, site.router, *GUEST, studio.router, cameras.router, *ADMIN, older.router)
