"""A photographer helps a guest who has lost the phone: the same portrait at the same event gives a one-time link.

Only an account that nothing else leads back to is opened so, and only if the portrait is surely that of its guest and
of no other. A refusal does not say why: it would tell who has an account, and of what kind.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy.orm import Session

import errors
from accounts import login_links
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from faces.calibration import Calibration
from faces.engine import Embeddings
from faces.providers import AZURE_ENGINE_ID, calibration_of, engine_id_of
from matching import queries as matching_queries
from matching.queries import PortraitEmbedding
from models import Event, User, utcnow
from settings import get_settings

# The guest stands beside the photographer.
LIFETIME = timedelta(minutes=15)


def is_possible(event: Event) -> bool:
    """Tell whether guests can be helped so: the event is open, and portraits are compared here, not by Azure."""
    return event.expires_at > utcnow() and _engine_id() != AZURE_ENGINE_ID


def _engine_id() -> str:
    return engine_id_of(get_settings().face_recognizer_provider)


def make_link(event: Event, portrait: Embeddings) -> str:
    """Return the token of a link that logs the guest in whose portrait this is: once, within LIFETIME.

    Either outcome is in the audit log.

    Raises:
        NoHelpByPortrait: see `is_possible`. NoAccountToOpen: no guest of the event has such a portrait, or several
        have; or the guest has a password, an address or another event, or the account is closed.
    """
    if not is_possible(event):
        raise errors.NoHelpByPortrait
    with reading() as session:
        portraits = matching_queries.guests_embeddings(session, event.id, _engine_id())
    user_id = owner_of(portrait, portraits, calibration_of(_engine_id()))
    with transaction() as session:
        guest = account_queries.lock_user(session, user_id) if user_id is not None else None
        if guest is not None and _may_be_opened(session, guest, event):
            record(session, Action.LOGIN_LINK_MADE, subject_id=guest.id, event_id=event.id)
            return login_links.issue_in(session, guest, login_links.HELP, lifetime=LIFETIME)
        record(session, Action.LOGIN_LINK_REFUSED, subject_id=guest.id if guest else None, event_id=event.id)
    raise errors.NoAccountToOpen


def owner_of(face: Embeddings, portraits: Sequence[PortraitEmbedding], calibration: Calibration) -> int | None:
    """Return the guest who alone resembles a face (dimensions,); None if there is none, or more than one.

    Of all portraits of strangers together, one in a thousand calls finds one that is as similar.
    """
    if not portraits:
        return None
    rows = np.stack([np.frombuffer(each.embedding, np.float32) for each in portraits])
    best = dict[int, float]()
    for each, similarity in zip(portraits, (rows @ face).tolist(), strict=True):
        best[each.user_id] = max(similarity, best.get(each.user_id, -1.0))
    first, *others = sorted(best, key=lambda user_id: best[user_id], reverse=True)
    least = max(calibration.sure, calibration.at(1e-3 / len(best)))
    # The same margin as between the two passes of matching.
    rival = others and (best[others[0]] >= least or best[first] - best[others[0]] < calibration.margin)
    return first if best[first] >= least and not rival else None


def _may_be_opened(session: Session, guest: User, event: Event) -> bool:
    """Return whether nothing else leads back to the account, and it shows nothing of other events."""
    if not guest.is_active or guest.hashed_password is not None or guest.email is not None:
        return False
    joined = event_queries.joined(session, guest.id)
    return [(each.id, membership.withdrawn_at) for each, membership in joined] == [(event.id, None)]
