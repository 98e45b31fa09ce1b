"""A closed account's tokens and links are refused; after reopening, only new ones are accepted."""

import pytest

import errors
from accounts.login import log_in_to
from accounts.queries import user as account
from accounts.tokens import issue_choice
from database import reading
from testkit.builders import Person, Service, people
from testkit.passwords import OTHER_PASSWORD
from testkit.pictures import refused


def switch(service: Service, photographer: Person, *, active: bool) -> None:
    path = f"/api/admin/photographers/{photographer.id}"
    answer = service.put(path, service.admin, json={"is_active": active})
    assert answer.json()["is_active"] is active


def ticket_of(person: Person) -> str:
    """Return a ticket as the choice between several accounts gives it."""
    with reading() as session:
        user = account(session, person.id)
    assert user is not None
    return issue_choice(user.id, user.token_version)


def test_a_reopened_account_needs_a_new_login(service: Service) -> None:
    photographer = service.photographer()
    switch(service, photographer, active=False)
    refused(service.get("/api/me", photographer), 401, "InvalidToken")
    switch(service, photographer, active=True)
    refused(service.get("/api/me", photographer), 401, "InvalidToken")
    again = Person(photographer.id, photographer.name, service.log_in(photographer.name))
    assert service.get("/api/me", again).status_code == 200
    # Nothing of this closes an account that is open.
    switch(service, photographer, active=True)
    assert service.get("/api/me", again).status_code == 200


def test_a_closed_accounts_signed_links_open_nothing(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    (photo,) = service.process_photos(event)
    assert service.get(photo["url"]).status_code == 200
    switch(service, event.photographer, active=False)
    refused(service.get(photo["url"]), 401, "InvalidToken")
    switch(service, event.photographer, active=True)
    # The session that made the link ended with the closing.
    refused(service.get(photo["url"]), 401, "InvalidToken")


def test_a_deleted_accounts_signed_links_open_nothing(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    (photo,) = service.process_photos(event)
    assert service.delete(f"/api/admin/photographers/{event.photographer.id}", service.admin).status_code == 200
    refused(service.get(photo["url"]), 401, "InvalidToken")


def test_a_ticket_opens_no_account_that_was_closed_or_given_another_password(service: Service) -> None:
    photographer = service.photographer()
    ticket = ticket_of(photographer)
    assert log_in_to(ticket).access_token
    switch(service, photographer, active=False)
    for given in (ticket, ticket_of(photographer)):
        with pytest.raises(errors.InvalidToken):
            log_in_to(given)
    switch(service, photographer, active=True)
    fresh = ticket_of(photographer)
    assert log_in_to(fresh).access_token
    service.put(f"/api/admin/photographers/{photographer.id}", service.admin, json={"password": OTHER_PASSWORD})
    with pytest.raises(errors.InvalidToken):
        log_in_to(fresh)
