"""Every router of the pages, in the order in which addresses are compared."""

from pages import (
    account,
    admin,
    admin_event,
    admin_events,
    admin_jobs,
    admin_photographers,
    assets,
    guest,
    photographer,
    site,
)

ROUTERS = (
    assets.router,
    account.router,
    site.router,
    guest.router,
    photographer.router,
    admin.router,
    # Before a single event: its address would take `new` for a number.
    admin_events.router,
    admin_event.router,
    admin_photographers.router,
    admin_jobs.router,
)
