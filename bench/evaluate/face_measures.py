"""What makes a face easy or hard to recognise: its size, pose, blur and brightness, and the classes of each."""

import math
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from faces.engine import BgrImage, LocatedFace

# Side in px to which a face is scaled before blur and brightness are measured: that of the networks' input.
CROP = 112


@dataclass(frozen=True, slots=True)
class FaceMeasures:
    """Numbers of a face, by the names of `CLASSES`.

    `size` is the shorter side of its box in px of the photo. `yaw` is an estimate in degrees, 0 for a face that looks
    into the camera (`yaw_of`). `blur` is the variance of the Laplacian of the grey crop at 112 px, lower for a more
    blurred one (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000). `brightness` is the
    crop's mean grey, 0 to 255.
    """

    size: float
    yaw: float
    blur: float
    brightness: float


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of one measure: what it is called, its unit, and the limits between the classes, rising."""

    title: str
    unit: str
    limits: tuple[float, ...]

    @property
    def names(self) -> list[str]:
        """The names of the classes, from the lowest."""
        first, last = f"under {self.limits[0]:g}", f"{self.limits[-1]:g} or more"
        between = [f"{low:g} to {high:g}" for low, high in zip(self.limits, self.limits[1:], strict=False)]
        return [first, *between, last]

    def place(self, value: float) -> int:
        """Return the index of the class of a value."""
        return sum(value >= limit for limit in self.limits)


CLASSES = {
    "size": Classes("Size of the face", "px, shorter side of the box", (40, 64, 96, 144)),
    "yaw": Classes("Pose", "degrees of yaw, estimated from eyes and nose", (10, 20, 30, 45)),
    "blur": Classes("Sharpness", "variance of the Laplacian at 112 px", (50, 100, 200, 400)),
    "brightness": Classes("Brightness", "mean grey, 0 to 255", (60, 100, 140, 180)),
}


def yaw_of(landmarks: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    """Return how far a face is turned to the side, in degrees, 0 to 90: atan(2 · o).

    o is the distance of the nose tip from the middle of the eyes, along the line through the eyes, in distances of
    the eyes. A plain definition for sorting: it takes the nose tip to stand half the distance of the eyes in front of
    them, so that o = tan(yaw) / 2 for a head that is turned and seen from afar.
    """
    right, left, nose = (np.asarray(point, np.float64) for point in landmarks[:3])
    line = left - right
    length = float(np.hypot(*line))
    if length == 0:
        return 90.0
    offset = float((nose - (left + right) / 2) @ line) / length**2
    return math.degrees(math.atan(2 * abs(offset)))


def crop_of(image: BgrImage, face: LocatedFace, scale: float, *, side: int = CROP, margin: float = 0.0) -> BgrImage:
    """Return the square around a face, `side` px a side; `image` is the photo at 1 / `scale` of its size.

    `margin` is added on each side, as a fraction of the face.
    """
    x, y, width, height = (value / scale for value in face.box)
    half = max(width, height) * (0.5 + margin)
    # From the square's corners to the crop's.
    factor = side / (2 * half)
    left, top = x + width / 2 - half, y + height / 2 - half
    matrix = np.array([[factor, 0, -left * factor], [0, factor, -top * factor]])
    flags = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def measures_of(image: BgrImage, face: LocatedFace, scale: float) -> FaceMeasures:
    """Return the measures of a face; `image` is the photo at 1 / `scale` of its size."""
    grey = cv2.cvtColor(crop_of(image, face, scale), cv2.COLOR_BGR2GRAY)
    return FaceMeasures(
        size=float(min(face.box[2:])),
        yaw=yaw_of(face.landmarks),
        blur=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        brightness=float(grey.mean()),
    )


def classes_of(measures: FaceMeasures) -> dict[str, int]:
    """Return the index of the class of each measure."""
    return {name: CLASSES[name].place(value) for name, value in asdict(measures).items()}
