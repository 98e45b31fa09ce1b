"""The baseline for the engine: the same networks and renditions by OpenCV's own classes, face by face."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.weights import DETECTOR, RECOGNISER, weights_folder

LONG_SIDE, WEB, MEDIUM, THUMB = 1280, 1600, 800, 400
Vectors = NDArray[np.float32]
Picture = NDArray[Any]


def _within(image: Picture, long_side: int) -> Picture:
    scale = long_side / max(image.shape[:2])
    return (
        image if scale >= 1 else np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    )


class OpenCvAlone:
    """YuNet by `FaceDetectorYN` at long side 1280, SFace by `cv2.dnn`."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        folder = weights_folder()
        self._finder = cv2.FaceDetectorYN.create(str(folder / DETECTOR), "", (320, 320), 0.7, 0.3, 2000)
        # For its `alignCrop`; its `feature` cannot run this file.
        self._aligner = cv2.FaceRecognizerSF.create(str(folder / RECOGNISER), "")
        self._net = cv2.dnn.readNetFromONNX(str(folder / RECOGNISER))

    def faces(self, image: Picture) -> tuple[Picture, Vectors]:
        """Return YuNet's rows in px of the image, (n, 15), and the embeddings, (n, 128), of a decoded photo."""
        small = _within(image, LONG_SIDE)
        scale = small.shape[1] / image.shape[1]
        self._finder.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._finder.detect(small)
        if found is None:
            return np.zeros((0, 15), np.float32), np.zeros((0, 128), np.float32)
        rows = np.concatenate((found[:, :14] / scale, found[:, 14:]), axis=1)
        vectors = np.stack([self._embedding(self._aligner.alignCrop(image, row[None])) for row in rows])
        return rows, np.asarray(vectors, np.float32)

    def _embedding(self, crop: Picture) -> Picture:
        self._net.setInput(cv2.dnn.blobFromImage(crop, 1.0, (112, 112), (0, 0, 0), swapRB=True), "data")
        vector = np.asarray(self._net.forward())[0]
        return np.asarray(vector / np.linalg.norm(vector))

    def faces_and_renditions(self, data: bytes) -> Vectors:
        """Process a photo completely: decode it, find and embed its faces, make the renditions."""
        image = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
        _, vectors = self.faces(image)
        web = _within(image, WEB)
        medium = _within(web, MEDIUM)
        for picture, quality in ((web, 85), (medium, 70), (_within(medium, THUMB), 80)):
            cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return vectors
