"""Every router of the pages, in the order in which addresses are compared."""

from pages import (
    account,
    admin,
    admin_event,
    admin_events,
    admin_jobs,
    admin_photographers,
    assets,
    gallery,
    guest,
    join,
    photographer,
    portrait,
    site,
)

GUEST = (join.router, portrait.router, gallery.router, guest.router)
# The list before a single event: the latter's address would take `new` for a number.
ADMIN = (admin.router, admin_events.router, admin_event.router, admin_photographers.router, admin_jobs.router)
ROUTERS = (assets.router, account.router, site.router, *GUEST, photographer.router, *ADMIN)
