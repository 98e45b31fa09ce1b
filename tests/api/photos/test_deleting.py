"""What a deleted photo leaves behind for those who come later: nothing they stumble over."""

from testkit.builders import Service, people


def test_a_guest_who_comes_after_a_photo_was_deleted_finds_the_others(service: Service) -> None:
    event = service.event()
    kept, gone = (each["id"] for each in service.upload(event, people(1), people(1, 2))["uploaded_photos"])
    service.process_photos(event)
    # Now the process holds the faces of both.
    early = service.guest_found_as(event)
    assert {photo["id"] for photo in service.my_photos(early)} == {kept, gone}
    assert service.delete(f"/api/photos/{gone}", event.photographer).status_code == 200
    late = service.guest_found_as(event)
    for guest in (early, late):
        assert service.status(guest)["status"] == "done"
        assert [photo["id"] for photo in service.my_photos(guest)] == [kept]


def test_an_admin_deletes_anybodys_photos(service: Service) -> None:
    event, other = service.event(), service.event()
    (one,) = service.upload(event, people(1))["uploaded_photos"]
    (two,) = service.upload(other, people(2))["uploaded_photos"]
    answer = service.delete(f"/api/photos?photo_ids={one['id']},{two['id']}", service.admin)
    assert answer.status_code == 200
    assert answer.json()["message"].startswith("2 ")
    for each in (event, other):
        assert service.process_photos(each) == []
