"""Why a call to Azure's Face service gave no result.

With the first four, the service cannot be used now: jobs wait, and no attempt counts. With the others, this call
cannot succeed as it is. Messages name neither the key nor a guest.
"""

from faces.engine import RecogniserAway


class ServiceAway(RecogniserAway):
    """The service cannot be reached, fails, or has no capacity for us."""


class KeyRefused(RecogniserAway):
    """The service does not know the key, or the key belongs to another endpoint."""


class AccessNotApproved(RecogniserAway):
    """Microsoft has not granted this resource the recognition of faces."""


class QuotaSpent(RecogniserAway):
    """The calls, lists or faces that the resource's price tier allows are used up."""


class CallRefused(Exception):
    """The service refuses a call for what it asks. `code` is the service's name of the error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"Azure refuses the call: {code}: {message}")
        self.code = code


class PictureRefused(CallRefused):
    """The picture cannot be read, is too small or too large, or has no face where one should be."""


class NotThere(CallRefused):
    """The list, or the face in it, does not exist."""


class AlreadyThere(CallRefused):
    """A list with this id exists."""


class FaceIdExpired(CallRefused):
    """The id of a detected face is unknown: its lifetime is over."""


class NotTrained(CallRefused):
    """The list has never been trained."""


class TrainingUnderWay(CallRefused):
    """The list is being trained."""


class TrainingFailed(Exception):
    """The service could not train a list; the message is the service's."""


REFUSALS: dict[str, type[CallRefused]] = {
    "InvalidImage": PictureRefused,
    "InvalidImageSize": PictureRefused,
    "LargeFaceListNotFound": NotThere,
    "PersistedFaceNotFound": NotThere,
    "LargeFaceListExists": AlreadyThere,
    "FaceNotFound": FaceIdExpired,
    "LargeFaceListNotTrained": NotTrained,
    "LargeFaceListTrainingNotFinished": TrainingUnderWay,
}
