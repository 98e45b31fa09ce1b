"""What every engine must do, on real faces; the fake engine does it with its own."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

import images
from faces.engine import BgrImage, Embeddings, FaceEngine, LocatedFace, padded
from faces.fake import FakeEngine, fake_colour, fake_photo
from faces.providers import calibration_of, dimensions_of, engine_id_of, make_engine
from faces.selfie import SeveralFaces, main_face
from recogniser_settings import PROVIDER_PACKAGES
from settings import Settings
from testkit.sample_pictures import sample_file


@dataclass(frozen=True, slots=True)
class Subject:
    """An engine, one person's portrait, six people in a row, and the cosine from which two faces are one person."""

    provider: str
    engine: FaceEngine
    portrait: BgrImage
    group: BgrImage
    threshold: float


@cache
def subject_of(provider: str) -> Subject:
    """Return the subject of a provider; loading its engine takes up to a second."""
    engine = make_engine(Settings(face_recognizer_provider=provider, secret_key="x" * 32))
    if isinstance(engine, FakeEngine):
        files = fake_photo([fake_colour(8)]), fake_photo([fake_colour(number) for number in range(1, 7)])
    else:
        files = (
            sample_file("skimage", "data/astronaut.png").read_bytes(),
            sample_file("insightface", "data/images/t1.jpg").read_bytes(),
        )
    portrait, group = map(images.decode, files)
    return Subject(provider, engine, portrait, group, calibration_of(engine.engine_id).lowest)


def installed(provider: str) -> str:
    """Return the provider; the test skips where its packages are not installed."""
    for package in PROVIDER_PACKAGES.get(provider, ()):
        pytest.importorskip(package, reason=f"{package} is not installed (requirements-{provider}.txt)")
    return provider


# dlib takes a second for a picture; `tests/faces/test_dlib.py` is quick.
DLIB = pytest.param("dlib", marks=pytest.mark.long)


@pytest.fixture(params=["local", DLIB, "fake"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each engine."""
    return subject_of(installed(request.param))


@pytest.fixture(params=["local", DLIB])
def real(request: pytest.FixtureRequest) -> Subject:
    """Each engine that looks at real faces."""
    return subject_of(installed(request.param))


def resized(image: BgrImage, factor: float) -> BgrImage:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def embedding(engine: FaceEngine, image: BgrImage) -> Embeddings:
    upright, faces = engine.locate_portrait(image)
    return np.asarray(engine.embed(upright, [main_face(faces, strict=False)])[0])


def same_place(one: LocatedFace, other: LocatedFace) -> bool:
    return bool(np.allclose(one.box, other.box, atol=0.25 * other.box[3]))


def test_six_people_are_six_faces_and_six_persons(subject: Subject) -> None:
    faces = subject.engine.detect(subject.group)
    assert len(faces) == 6
    rows = np.stack([face.embedding for face in faces])
    assert (rows @ rows.T - 2 * np.eye(6)).max() < subject.threshold


def test_embeddings_are_what_the_provider_says_and_of_length_one(subject: Subject) -> None:
    engine = subject.engine
    assert (engine.engine_id, engine.dimensions) == (engine_id_of(subject.provider), dimensions_of(subject.provider))
    rows = engine.embed(subject.group, engine.locate(subject.group))
    assert rows.shape == (6, engine.dimensions)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert engine.embed(subject.group, []).shape == (0, engine.dimensions)


def test_the_same_picture_gives_the_same_numbers(subject: Subject) -> None:
    for one, other in zip(
        subject.engine.detect(subject.group), subject.engine.detect(subject.group.copy()), strict=True
    ):
        assert (one.box, one.quality) == (other.box, other.quality)
        assert (one.embedding == other.embedding).all()


def test_embedding_many_faces_at_once_is_embedding_each(subject: Subject) -> None:
    faces = subject.engine.locate(subject.group)
    together = subject.engine.embed(subject.group, faces)
    alone = np.concatenate([subject.engine.embed(subject.group, [face]) for face in faces])
    assert np.allclose(together, alone, atol=1e-4)


def test_landmarks_are_a_face_in_its_box(subject: Subject) -> None:
    for face in subject.engine.locate(subject.group):
        x, y, width, height = face.box
        assert face.landmarks.shape == (5, 2)
        assert (face.landmarks > (x - 0.1 * width, y - 0.1 * height)).all()
        assert (face.landmarks < (x + 1.1 * width, y + 1.1 * height)).all()
        right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks.tolist()
        assert right_eye[0] < left_eye[0]
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
        assert 0 <= face.quality <= 1


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_a_turned_portrait_is_the_same_person(subject: Subject, turn: int) -> None:
    turned = np.asarray(cv2.rotate(subject.portrait, turn), np.uint8)
    upright, faces = subject.engine.locate_portrait(turned)
    assert main_face(faces, strict=True)
    same = float(subject.engine.embed(upright, faces)[0] @ embedding(subject.engine, subject.portrait))
    assert same > subject.threshold + 0.5 * (1 - subject.threshold)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (19, 19), (300, 400)])
def test_a_surface_has_no_face(real: Subject, size: tuple[int, int]) -> None:
    grey = np.full((*size, 3), 128, np.uint8)
    assert real.engine.locate(grey) == []
    assert real.engine.detect(grey) == []
    unchanged, faces = real.engine.locate_portrait(grey)
    assert faces == []
    assert unchanged is grey


def test_two_people_are_too_many_for_a_selfie(subject: Subject) -> None:
    two = np.concatenate([subject.portrait, np.ascontiguousarray(subject.portrait[:, ::-1])], axis=1)
    _, faces = subject.engine.locate_portrait(two)
    assert len(faces) == 2
    with pytest.raises(SeveralFaces):
        main_face(faces, strict=True)
    assert main_face(subject.engine.locate_portrait(subject.portrait)[1], strict=True)


@pytest.mark.parametrize("factor", [0.75, 2.0, 3.0])
def test_a_photo_of_another_size_shows_the_same_people(subject: Subject, factor: float) -> None:
    usual = subject.engine.detect(subject.group)
    faces = subject.engine.detect(resized(subject.group, factor))
    assert len(faces) == 6
    rows = np.stack([face.embedding for face in usual])
    for face in faces:
        x, y, width, height = (value / factor for value in face.box)
        twin = next(each for each in usual if same_place(LocatedFace((x, y, width, height), face.landmarks, 1), each))
        assert int((rows @ face.embedding).argmax()) == usual.index(twin)
        assert float(face.embedding @ twin.embedding) > subject.threshold


def test_of_a_reduced_photo_places_and_persons_are_those_of_the_whole(subject: Subject) -> None:
    photo = resized(subject.group, 2)
    found = subject.engine.detect(resized(photo, 0.5), scale=2, full=lambda: photo)
    whole = subject.engine.detect(photo)
    assert len(found) == len(whole) == 6
    for one in found:
        twin = next(each for each in whole if same_place(one, each))
        assert float(one.embedding @ twin.embedding) > subject.threshold + 0.5 * (1 - subject.threshold)


def test_a_grey_portrait_is_the_same_person(real: Subject) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(real.portrait, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    same = float(embedding(real.engine, np.asarray(grey, np.uint8)) @ embedding(real.engine, real.portrait))
    assert same > real.threshold


def test_a_face_that_fills_the_picture_is_the_same_person(real: Subject) -> None:
    x, y, width, height = (round(value) for value in main_face(real.engine.locate(real.portrait), strict=False).box)
    crop = np.ascontiguousarray(real.portrait[y : y + height, x : x + width])
    assert float(embedding(real.engine, crop) @ embedding(real.engine, real.portrait)) > real.threshold


def test_a_face_at_the_edge_is_embedded(real: Subject) -> None:
    face = main_face(real.engine.locate(real.portrait), strict=False)
    cut = np.ascontiguousarray(real.portrait[round(face.box[1] + 0.1 * face.box[3]) :])
    for found in real.engine.detect(cut) + real.engine.detect(padded(cut)):
        assert np.isfinite(found.embedding).all()


def test_different_people_stay_apart_and_the_same_come_together(real: Subject, shared_photos: Path) -> None:
    names = ("obama", "obama2", "obama-1080p", "biden", "lin-manuel-miranda", "alex-lacamoire")
    paths = {path.stem: path for path in (shared_photos / "people").iterdir()}
    found = {name: embedding(real.engine, images.decode(paths[name].read_bytes())) for name in names}
    assert float(found["obama"] @ found["obama2"]) > real.threshold
    assert float(found["obama"] @ found["obama-1080p"]) > real.threshold
    for name in names[3:]:
        assert float(found["obama"] @ found[name]) < real.threshold


def test_a_persons_portraits_are_nearer_to_each_other_than_to_others(real: Subject, shared_photos: Path) -> None:
    people = ("Abdoulaye_Wade", "Abdullah", "Ai_Sugiyama", "Adrien_Brody", "Alejandro_Toledo")
    rows, owners = list[Embeddings](), list[int]()
    for number, name in enumerate(people):
        for path in sorted((shared_photos / "faces").glob(f"{name}_*.jpg"))[:4]:
            upright, faces = real.engine.locate_portrait(images.decode(path.read_bytes()))
            if faces:
                rows.append(real.engine.embed(upright, [main_face(faces, strict=False)])[0])
                owners.append(number)
    assert len(rows) >= 15
    cosines, same = np.stack(rows) @ np.stack(rows).T, np.equal.outer(owners, owners)
    np.fill_diagonal(cosines, -1)
    nearest = cosines.argmax(axis=1)
    assert np.mean(np.array(owners)[nearest] == owners) > 0.9
    assert np.mean(cosines[same & (cosines > -1)] > real.threshold) > 0.7
    assert (cosines[~same] < real.threshold).all()


def test_nobody_is_seen_where_nobody_is(real: Subject, shared_photos: Path) -> None:
    for path in sorted((shared_photos / "backgrounds").glob("*.jpg")):
        if path.stem == "scream":
            continue  # a painted face is a face
        _, faces = real.engine.locate_portrait(images.decode(path.read_bytes()))
        assert faces == [], path.name
