"""How the errors of a call are documented in OpenAPI."""

from typing import Any

import errors
from api.operations.schemas import ErrorOut

Responses = dict[int | str, dict[str, Any]]
HEADERS: dict[str, dict[str, Any]] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "How to log in.", "schema": {"type": "string"}},
}
# What any call may answer before its route is reached, or while the database cannot be: every error of the catalogue
# with one of these statuses. What a route documents for a status of its own goes before.
ANY_CALL = (408, 413, 414, 415, 421, 429, 431, 503)
ANY_UPLOAD = (507,)


def error_responses(*kinds: type[errors.AppError]) -> Responses:
    """Return the `responses` of a route for these errors, with one example each."""
    result: Responses = {}
    for status in dict.fromkeys(kind.status_code for kind in kinds):
        same = [kind for kind in dict.fromkeys(kinds) if kind.status_code == status]
        result[status] = _response(same, {kind.__name__: kind().body("fr") for kind in same})
    return result


def _response(kinds: list[type[errors.AppError]], bodies: dict[str, Any]) -> dict[str, Any]:
    english = {kind.__name__: kind.english for kind in kinds}
    examples = {name: {"summary": english[name], "value": body} for name, body in bodies.items()}
    entry: dict[str, Any] = {"description": "; ".join(english.values()), "content": _json(examples)}
    names = sorted({name for kind in kinds for name in kind.headers} & HEADERS.keys())
    if names:
        always = {name: all(name in kind.headers for kind in kinds) for name in names}
        entry["headers"] = {name: {**HEADERS[name], "required": always[name]} for name in names}
    return entry


def _json(examples: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "examples": examples}}


def document_errors(schema: dict[str, Any]) -> None:
    """Complete an OpenAPI document: the schema `Error`, and the errors that any call may answer, written once."""
    components = schema["components"]
    components.setdefault("schemas", {})["Error"] = ErrorOut.model_json_schema()
    shared = components.setdefault("responses", {})
    shared |= {str(status): entry for status, entry in _of_any_call().items()}
    for calls in schema["paths"].values():
        for call in calls.values():
            _complete(call, shared)


def _of_any_call() -> Responses:
    kinds = sorted(errors.catalogue().values(), key=lambda kind: kind.__name__)
    found = error_responses(*(kind for kind in kinds if kind.status_code in (*ANY_CALL, *ANY_UPLOAD)))
    # A body that cannot be read at all: the error keeps the name of the one for a wrong form.
    unread = {errors.InvalidRequest.__name__: errors.InvalidRequest().body("fr")}
    return {400: _response([errors.InvalidRequest], unread), **found}


def _complete(call: dict[str, Any], shared: dict[str, Any]) -> None:
    """Add to a call's responses those of any call; make `Error` the schema of its 422."""
    responses, body = call["responses"], call.get("requestBody", {})
    if "422" in responses:
        responses["422"]["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    wanted = [*ANY_CALL, *([400] if body else []), *(ANY_UPLOAD if "multipart/form-data" in str(body) else [])]
    for status in map(str, sorted(wanted)):
        if status in shared:
            responses.setdefault(status, {"$ref": f"#/components/responses/{status}"})


SIGNED_IN = (errors.NotAuthenticated, errors.InvalidToken)
# A new password is refused; the second and the last are for staff.
NEW_PASSWORD = (
    errors.PasswordTooShort,
    errors.StaffPasswordTooShort,
    errors.PasswordTooCommon,
    errors.PasswordGuessable,
)
SELFIE_FILE = (
    errors.NotAnImage,
    errors.ImageTooLarge,
    errors.InvalidImage,
    errors.TooManyPixels,
    errors.TooManyScans,
    errors.ImageTooCostly,
)
PHOTO_FILE = (
    errors.InvalidImage,
    errors.ImageDamaged,
    errors.TiffNotRead,
    errors.RawWithoutPreview,
    errors.TooManyPixels,
    errors.TooManyScans,
    errors.ImageTooCostly,
    errors.PhotoTooLarge,
    errors.RawTooLarge,
)
SELFIE_FACE = (errors.SelfieNoFace, errors.SelfieSeveralFaces, errors.SelfieFaceTooSmall)
