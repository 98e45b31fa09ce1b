"""The fields of a photographer's account, each named once."""

from dataclasses import replace

import errors
from api.accounts.schemas import PhotographerChange
from keys import MIN_STAFF_PASSWORD
from pages.admin.forms import Field, Form
from pages.passwords import why_refused

USERNAME = Field(
    name="username",
    label="admin.photographer.username",
    attributes={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    other_problems=("account_taken", "not_own_email"),
)
EMAIL = Field(name="email", label="admin.photographer.email", widget="email", attributes={"autocomplete": "off"})
PASSWORD = Field(
    name="password",
    label="admin.photographer.password",
    hint="admin.photographer.password_hint",
    attributes={"autocomplete": "new-password", "autocapitalize": "none", "spellcheck": "false"},
    secret=True,
    min_length=MIN_STAFF_PASSWORD,
    other_problems=("password_common", "password_guessable"),
)
NEW_PASSWORD = replace(
    PASSWORD,
    label="admin.photographer.new_password",
    hint="admin.photographer.new_password_hint",
    optional=True,
)

NEW_ACCOUNT = Form(PhotographerChange, ((USERNAME,), (EMAIL,), (PASSWORD,)))
ACCOUNT = Form(PhotographerChange, ((USERNAME,), (EMAIL,), (NEW_PASSWORD,)))


def password_problem(refused: errors.RefusedPassword) -> str:
    """Return the problem of the form that says why a password is refused."""
    rule = why_refused(refused)
    return PASSWORD.name if rule == "short" else f"{PASSWORD.name}_{rule}"
