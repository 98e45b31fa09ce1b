"""Why a new password was refused, as the pages name it."""

import errors

NAMES = {
    errors.PasswordTooCommon: "common",
    errors.PasswordGuessable: "guessable",
    errors.PasswordUnchanged: "same",
}


def why_refused(refused: errors.RefusedPassword) -> str:
    """Return the rule that the password breaks: "common", "guessable", "same", or "short" for the rules of length."""
    return NAMES.get(type(refused), "short")
