"""The migration that brings links to photos: events of the release before let their guests make them."""

from datetime import timedelta

from accounts.service import NewAccount
from database import reading, transaction
from guests.registration import add_guest
from migrations.upgrade import upgrade
from models import Event, User, utcnow
from photos.links import service as links
from tests.migrations.before import EVENT, PHOTO, go_before


def test_guests_of_an_event_of_the_release_before_make_links(database: None) -> None:
    go_before("0025", EVENT, PHOTO)
    upgrade()
    with transaction() as session:
        event = session.get_one(Event, 1)
        assert event.guests_may_share
        event.guests_see_all_photos, event.expires_at = True, utcnow() + timedelta(days=2)
    with transaction() as session:
        guest_id = add_guest(session, NewAccount("léa", "lea@example.org", ""), "no hash", "OLD", "fr").id
    with reading() as session:
        guest = session.get_one(User, guest_id)
    link = links.make(guest, 1, [1, 1, 2])
    assert (link.photos, link.left_out) == (1, 1)
    assert [photo.id for photo in links.opened(link.token).photos] == [1]
