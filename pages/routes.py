"""Every router of the pages, in the order in which addresses are compared."""

from pages import assets, badges, enter, login, older, posters, resets, second_factor, security, site, trash
from pages.admin import audit, event, event_photos, events, guest, guest_links, jobs, overview, photographers
from pages.admin import reports as admin_reports
from pages.admin import requests as admin_requests
from pages.admin import sections as admin_sections
from pages.guest import (
    account,
    badge,
    children,
    cover,
    gallery,
    join,
    keep,
    links,
    maybe,
    notify,
    portrait,
    privacy,
    reporting,
    shared,
    start,
    together,
    wording,
)
from pages.photographer import cameras, helping, studio
from pages.photographer import requests as studio_requests
from pages.photographer import sections as studio_sections

GUEST = (
    join.router,
    start.router,
    cover.router,
    portrait.router,
    gallery.router,
    maybe.router,
    together.router,
    notify.router,
    notify.links,
    account.router,
    badge.router,
    children.router,
    wording.router,
    privacy.router,
    keep.router,
    shared.router,
    reporting.router,
    links.router,
)
# The list of events comes before a single event: `/admin/events/new` would match the address of an event.
ADMIN = (
    overview.router,
    events.router,
    event.router,
    event_photos.router,
    admin_sections.router,
    admin_reports.router,
    admin_requests.router,
    posters.admin_router,
    trash.admin_router,
    badges.admin_router,
    guest_links.router,
    guest.router,
    photographers.router,
    jobs.router,
    audit.router,
)
ACCOUNT = (login.router, enter.router, resets.router, security.router, second_factor.router)
ROUTERS = (
    assets.router,
    *ACCOUNT,
    site.router,
    *GUEST,
    studio.router,
    cameras.router,
    helping.router,
    studio_sections.router,
    studio_requests.router,
    posters.photographer_router,
    trash.photographer_router,
    badges.photographer_router,
    *ADMIN,
    older.router,
)
