"""The fields of a photographer's account, each named once."""

from dataclasses import replace

from api.accounts.schemas import PhotographerChange
from pages.admin.forms import Field, Form

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
    min_length=8,
)
NEW_PASSWORD = replace(
    PASSWORD,
    label="admin.photographer.new_password",
    hint="admin.photographer.new_password_hint",
    optional=True,
)

NEW_ACCOUNT = Form(PhotographerChange, ((USERNAME,), (EMAIL,), (PASSWORD,)))
ACCOUNT = Form(PhotographerChange, ((USERNAME,), (EMAIL,), (NEW_PASSWORD,)))
