"""The cover on the page of an event's code: for whoever has the code, while the event is open."""

from typing import Any

from testkit.builders import Service, people

HTML = {"Accept": "text/html", "Accept-Language": "fr"}
OVER = "2020-03-01T00:00:00Z"


def shown(service: Service, path: str) -> Any:
    service.client.cookies.clear()
    return service.get(path, headers=HTML)


def test_the_cover_is_shown_to_whoever_has_the_code(service: Service) -> None:
    event = service.event()
    page, picture = f"/join?event_code={event.code}", f"/join/cover?event_code={event.code}"
    assert "invitation-cover" not in shown(service, page).text
    assert shown(service, picture).status_code == 404
    photo = service.upload(event, people(1))["uploaded_photos"][0]["id"]
    service.process_photos(event)
    path = f"/api/photographer/events/{event.id}/cover"
    assert service.put(path, event.photographer, json={"photo_id": photo}).status_code == 200
    assert f'{picture.replace("&", "&amp;")}&amp;photo={photo}"' in shown(service, page).text
    # Its only face is in the middle.
    assert 'class="invitation-cover focus-x5 focus-y' in shown(service, page).text
    answer = shown(service, picture)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert "private" in answer.headers["cache-control"]
    again = service.get(picture, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert shown(service, "/join/cover?event_code=WRONG234").status_code == 404
    closed = {"expires_at": OVER}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=closed).status_code == 200
    assert shown(service, picture).status_code == 404
