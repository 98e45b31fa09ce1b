"""Every router of the pages, in the order in which addresses are compared."""

from pages import assets, login, security, site
from pages.admin import event, events, jobs, overview, photographers
from pages.guest import account, gallery, join, portrait
from pages.photographer import studio

GUEST = (join.router, portrait.router, gallery.router, account.router)
# The list of events comes before a single event: `/admin/events/new` would match the address of an event.
ADMIN = (overview.router, events.router, event.router, photographers.router, jobs.router)
ROUTERS = (assets.router, login.router, security.router, site.router, *GUEST, studio.router, *ADMIN)
