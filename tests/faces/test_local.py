"""What is the local engine's alone; what it shares with the others is in `test_engines.py`."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

import images
from faces.engine import BgrImage, EngineUnavailable, LocatedFace
from faces.local import LocalEngine
from faces.selfie import FaceTooSmall, NoFace, SeveralFaces, main_face
from faces.weights import DETECTOR, RECOGNISER, weights_folder
from testkit.sample_pictures import sample_file


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine()


def astronaut() -> BgrImage:
    return images.decode(sample_file("skimage", "data/astronaut.png").read_bytes())


def group() -> BgrImage:
    return images.decode(sample_file("insightface", "data/images/t1.jpg").read_bytes())


Vector = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def embedding(engine: LocalEngine, image: BgrImage, *, strict: bool = True) -> Vector:
    upright, faces = engine.locate_portrait(image)
    return np.asarray(engine.embed(upright, [main_face(faces, strict=strict)])[0])


def largest(engine: LocalEngine, image: BgrImage) -> Vector:
    return embedding(engine, image, strict=False)


def test_a_large_photo_is_embedded_from_its_full_resolution(engine: LocalEngine) -> None:
    large = np.asarray(cv2.resize(group(), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)
    faces = engine.detect(large)
    assert len(faces) == 6
    small = np.stack([face.embedding for face in engine.detect(group())])
    similarity = np.stack([face.embedding for face in faces]) @ small.T
    assert (similarity.max(axis=1) > 0.8).all()
    assert min(face.box[3] for face in faces) > 200


@pytest.mark.parametrize(("enlarged", "asked"), [(3.0, 0), (2.0, 1)])
def test_the_full_size_is_asked_only_where_a_face_needs_it(engine: LocalEngine, enlarged: float, asked: int) -> None:
    photo = np.asarray(cv2.resize(group(), None, fx=enlarged, fy=enlarged), np.uint8)
    half = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    times: list[int] = []
    found = engine.detect(half, scale=2, full=lambda: times.append(1) or photo)  # type: ignore[func-returns-value]
    assert len(times) == asked
    whole = engine.detect(photo)
    assert len(found) == len(whole) == 6
    for one in found:
        twin = min(whole, key=lambda each: abs(each.box[0] - one.box[0]) + abs(each.box[1] - one.box[1]))
        assert np.allclose(one.box, twin.box, atol=0.15 * twin.box[3])
        assert float(one.embedding @ twin.embedding) > 0.95


def test_faces_are_those_of_opencvs_own_detector(engine: LocalEngine) -> None:
    image = group()
    size = image.shape[1], image.shape[0]
    reference = cv2.FaceDetectorYN.create(str(weights_folder() / DETECTOR), "", size, 0.7, 0.3, 2000)
    _, rows = reference.detect(image)
    found = engine.locate(image)
    assert len(found) == len(rows)
    for row in rows:
        twin = min(found, key=lambda each: abs(each.box[0] - row[0]) + abs(each.box[1] - row[1]))
        assert np.allclose(twin.box, row[:4], atol=3)
        assert np.allclose(twin.landmarks.ravel(), row[4:14], atol=3)
        assert abs(twin.quality - row[14]) < 0.03


def test_a_tight_crop_is_the_same_person(engine: LocalEngine) -> None:
    image = astronaut()
    x, y, width, height = (round(value) for value in main_face(engine.locate(image), strict=True).box)
    crop = np.ascontiguousarray(image[y : y + height, x : x + width])
    assert float(embedding(engine, crop) @ embedding(engine, image)) > 0.6


def test_channel_order_is_the_one_sface_was_trained_on(engine: LocalEngine, shared_photos: Path) -> None:
    """Two colour crops of a person are less similar when red and blue of one are exchanged."""
    right, swapped = [], []
    for name in ("Abdoulaye_Wade", "Abdullah", "Ai_Sugiyama", "Adrien_Brody", "Alejandro_Toledo"):
        paths = sorted((shared_photos / "faces").glob(f"{name}_*.jpg"))[:4]
        pictures = [images.decode(path.read_bytes()) for path in paths]
        rows = np.stack([largest(engine, picture) for picture in pictures])
        other = np.stack([largest(engine, np.ascontiguousarray(each[:, :, ::-1])) for each in pictures])
        right.append((rows @ rows.T)[np.triu_indices(len(rows), 1)].mean())
        swapped.append((rows @ other.T)[np.triu_indices(len(rows), 1)].mean())
    assert np.mean(right) > 0.6
    assert np.mean(right) > np.mean(swapped)


def test_embeddings_are_those_of_the_reference_alignment(engine: LocalEngine) -> None:
    """OpenCV's own SFace wrapper aligns faces as in training; our crop must give the same embedding."""
    reference = cv2.FaceRecognizerSF.create(str(weights_folder() / RECOGNISER), "")
    image = group()
    for face in engine.locate(image):
        row = np.concatenate((face.box, face.landmarks.ravel(), [face.quality])).astype(np.float32)
        crop = reference.alignCrop(image, row[None])
        net = cv2.dnn.readNetFromONNX(str(weights_folder() / RECOGNISER))
        net.setInput(cv2.dnn.blobFromImage(crop, 1.0, (112, 112), (0, 0, 0), swapRB=True), "data")
        wanted = net.forward().ravel()
        wanted = wanted / np.linalg.norm(wanted)
        assert float(engine.embed(image, [face])[0] @ wanted) > 0.999


@pytest.mark.parametrize("name", [DETECTOR, RECOGNISER])
def test_a_damaged_weight_is_named(tmp_path: Path, name: str) -> None:
    for each in (DETECTOR, RECOGNISER):
        data = (weights_folder() / each).read_bytes()
        (tmp_path / each).write_bytes(data[:-1] + b"x" if each == name else data)
    with pytest.raises(EngineUnavailable, match=name):
        LocalEngine(folder=tmp_path)


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"\.onnx"):
        LocalEngine(folder=tmp_path)


def face(width: float, height: float) -> LocatedFace:
    seed = hashlib.sha256(f"{width}{height}".encode()).digest()[0]
    return LocatedFace((0.0, 0.0, width, height), np.full((5, 2), seed, np.float32), 0.9)


def test_the_selfie_rule() -> None:
    large, half, below = face(200, 240), face(90, 120), face(90, 119)
    assert main_face([below, large], strict=True) is large
    with pytest.raises(SeveralFaces):
        main_face([large, half], strict=True)
    assert main_face([half, large], strict=False) is large
    with pytest.raises(NoFace):
        main_face([], strict=False)
    for small in (face(43, 200), face(200, 43), face(70, 71)):
        with pytest.raises(FaceTooSmall):
            main_face([small], strict=True)
        assert main_face([small], strict=False) is small
    assert main_face([face(44, 114)], strict=True)
