"""Every router of the pages, in the order in which addresses are compared."""

from pages import assets, site
from pages import login as account
from pages.admin import event as admin_event
from pages.admin import events as admin_events
from pages.admin import jobs as admin_jobs
from pages.admin import overview as admin
from pages.admin import photographers as admin_photographers
from pages.guest import account as guest
from pages.guest import gallery, join, portrait
from pages.photographer import studio as photographer

GUEST = (join.router, portrait.router, gallery.router, guest.router)
# The list before a single event: the latter's address would take `new` for a number.
ADMIN = (admin.router, admin_events.router, admin_event.router, admin_photographers.router, admin_jobs.router)
ROUTERS = (assets.router, account.router, site.router, *GUEST, photographer.router, *ADMIN)
