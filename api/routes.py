"""Every router of the REST API. A request goes to the first route that fits."""

from api.accounts import admin as accounts_admin
from api.accounts import older as accounts_older
from api.accounts import photographers, second_factor, sessions
from api.accounts import privacy as accounts_privacy
from api.accounts import resets as accounts_resets
from api.accounts import routes as accounts
from api.children import routes as children
from api.events import admin as events_admin
from api.events import routes as events
from api.events import sections as events_sections
from api.events import staff as events_staff
from api.notifications import routes as notifications
from api.operations import audit, erasures
from api.operations import evaluation as operations_evaluation
from api.operations import jobs as operations_jobs
from api.operations import routes as operations
from api.photo_links import routes as photo_links
from api.photo_links import shared
from api.photos import badges, cameras, confirmations, held, reports, trash
from api.photos import guest as photos_guest
from api.photos import photographer as photos_photographer
from api.photos import routes as photos
from api.photos import uploads as photos_uploads
from api.selfies import routes as selfies
from api.together import routes as together

# Routes are compared in turn: those that are called most come first.
ROUTERS = (
    events.router,
    photos.router,
    selfies.router,
    photos_guest.router,
    confirmations.router,
    badges.router,
    reports.router,
    held.router,
    children.router,
    together.router,
    notifications.router,
    shared.router,
    photo_links.router,
    accounts.router,
    accounts_privacy.router,
    second_factor.router,
    accounts_resets.router,
    sessions.router,
    photos_photographer.router,
    photos_uploads.router,
    cameras.router,
    trash.router,
    events_staff.router,
    events_sections.router,
    events_admin.router,
    photographers.router,
    accounts_admin.router,
    accounts_older.router,
    operations_jobs.router,
    audit.router,
    erasures.router,
    operations_evaluation.router,
    operations.probes,
    operations.router,
)
