"""Pictures of badges: a phone that shows one, alone or held into a photo."""

import cv2
import numpy as np
import segno

from faces.engine import BgrImage
from photos.badges.codes import BORDER

# A phone's screen, as large as a code on it, whose side is 1: its width, and its height.
SCREEN = (1.15, 2.0)
DARK = 20


def drawn(code: str, module: int) -> np.ndarray:
    """Return a badge's QR code in grey levels, `module` px for each of its modules."""
    made = segno.make(code, error="q", boost_error=False, micro=False)
    rows = [[0 if dark else 255 for dark in row] for row in made.matrix_iter(scale=module, border=BORDER)]
    return np.array(rows, np.uint8)


def jpeg_of_badges(*codes: str, module: int = 6) -> bytes:
    """Return a JPEG of badges side by side on white."""
    pictures = [drawn(code, module) for code in codes]
    picture = cv2.copyMakeBorder(np.hstack(pictures), 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=(255,))
    return bytes(cv2.imencode(".jpg", picture)[1].tobytes())


def held_into(
    photo: BgrImage, code: str, *, module: float, turned: float = 0, tilted: float = 0, blur: float = 0
) -> BgrImage:
    """Return a photo into whose middle a phone with a badge is held.

    `module` is the size of the code's modules in px of the photo, `turned` and `tilted` are in degrees: in the plane
    of the picture, and out of it about the phone's long side. `blur` is the deviation of a Gaussian over all, in px.
    """
    code_picture = drawn(code, 10)
    side = code_picture.shape[0]
    wide, high = round(side * SCREEN[0]), round(side * SCREEN[1])
    screen = np.full((high, wide), 245, np.uint8)
    left, top = (wide - side) // 2, (high - side) // 3
    screen[top : top + side, left : left + side] = code_picture
    phone = cv2.copyMakeBorder(screen, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=(DARK,))
    height, width = photo.shape[:2]
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32) * np.array(phone.shape[1::-1], np.float32)
    target = _seen(corners, module / 10, turned, tilted) + np.array((width / 2, height / 2), np.float32)
    seen = cv2.getPerspectiveTransform(corners, target.astype(np.float32))
    image = cv2.warpPerspective(phone, seen, (width, height), flags=cv2.INTER_AREA)
    covered = cv2.warpPerspective(np.full_like(phone, 255), seen, (width, height)) > 0
    made = photo.copy()
    made[covered] = image[covered][:, None]
    return np.asarray(cv2.GaussianBlur(made, (0, 0), blur) if blur else made, np.uint8)


def _seen(corners: np.ndarray, scale: float, turned: float, tilted: float) -> np.ndarray:
    """Return where a camera sees corners (n, 2) that are turned and tilted about their middle, from 3,000 px away."""
    flat = (corners - corners.mean(axis=0)) * scale
    angle, tilt = np.radians(turned), np.radians(tilted)
    depth = -flat[:, 0] * np.sin(tilt)
    flat = np.column_stack((flat[:, 0] * np.cos(tilt), flat[:, 1])) * (3000 / (3000 + depth))[:, None]
    around = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(flat @ around.T)
