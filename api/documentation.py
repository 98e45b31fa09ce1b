"""How the errors of a call are documented in OpenAPI."""

from typing import Any

import errors


def error_responses(*kinds: type[errors.AppError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for these errors, with one example each."""
    result: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = result.setdefault(
            kind.status_code,
            {
                "description": "",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"},
                        "examples": {},
                    }
                },
            },
        )
        entry["description"] = "; ".join(filter(None, [entry["description"], kind.english]))
        examples = entry["content"]["application/json"]["examples"]
        examples[kind.__name__] = {"summary": kind.english, "value": kind().body("fr")}
    return result


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
SELFIE_FACE = (errors.SelfieNoFace, errors.SelfieSeveralFaces, errors.SelfieFaceTooSmall)
