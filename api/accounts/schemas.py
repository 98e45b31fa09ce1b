"""Payloads of the calls about accounts."""

from datetime import date
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from accounts.sessions import Grant
from api.fields import CONSENT, ConsentVersion, Email, Otp, Password, Text, TypedCode, Username, UtcTime
from keys import MAX_ID, MIN_PASSWORD, MIN_STAFF_PASSWORD
from models import User, UserSession


class EventCodeIn(BaseModel):
    event_code: TypedCode = Field(examples=["MARIAGE7"])


class AvailabilityIn(BaseModel):
    username: TypedCode | None = Field(None, examples=["amy"])
    email: TypedCode | None = Field(None, examples=["amy@example.org"])
    event_code: TypedCode | None = Field(None, examples=["MARIAGE7"])


class AvailabilityOut(BaseModel):
    username_taken: bool
    email_taken: bool


class UserData(BaseModel):
    username: Username = Field(examples=["amy"])
    email: Email = Field(examples=["amy@example.org"])
    password: Password = Field(
        description=f"At least {MIN_PASSWORD} characters, and none of the commonest.",
        examples=["a long sentence is a good password"],
    )
    user_type: str = Field("user", examples=["user"])


class RegistrationIn(BaseModel):
    user_data: UserData
    event_code: TypedCode = Field(examples=["MARIAGE7"])
    consent: ConsentVersion | None = Field(None, description=CONSENT, examples=["2026-11.2"])


class LoginIn(BaseModel):
    username: TypedCode = Field(examples=["amy"], description="Name or email address.")
    password: Password = Field(examples=["a long sentence is a good password"])
    event_code: TypedCode | None = Field(None, examples=["MARIAGE7"])
    refresh: bool = Field(False, description="Answer with an access token of 15 minutes and a `refresh_token`.")
    otp: Otp | None = Field(None, description="The code of a second factor, or a recovery code.", examples=["123456"])
    user_id: int | None = Field(
        None, ge=1, le=MAX_ID, description="One of the `accounts` of a 409, instead of its event's code."
    )


class TokenOut(BaseModel):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Seconds.", examples=[86400])
    refresh_token: str | None = Field(
        None, description="For `POST /api/token/refresh`; only if the login asked for it with `refresh`."
    )

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Return the tokens that a login or a refresh gives."""
        return cls(access_token=grant.access_token, expires_in=grant.expires_in, refresh_token=grant.refresh_token)


class RefreshIn(BaseModel):
    refresh_token: Text = Field(max_length=200, examples=["q3Fh0dWkV1sJx7Rb.2mE9…"])


class SessionOut(BaseModel):
    id: str = Field(examples=["q3Fh0dWkV1sJx7Rb"])
    created_at: UtcTime
    last_used_at: UtcTime
    expires_at: UtcTime
    device: str | None = Field(
        description="Browser and system as they name themselves.", examples=["Firefox · Android"]
    )
    current: bool = Field(description="Whether it is the session of this call.")

    @classmethod
    def of(cls, row: UserSession, user: User) -> Self:
        """Return a session of `user`, who was loaded for the session of this call."""
        return cls(
            id=row.id,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            device=row.device,
            current=row.id == user.session_id,
        )


class NewPasswordIn(BaseModel):
    current: Password = Field(examples=["the password until now"])
    new: Password = Field(examples=["a long sentence is a good password"])


class LoggedOut(BaseModel):
    message: str


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str = Field(description="Made up, such as `invite-7f3kq2`, for a guest who gave no name.")
    email: str | None = Field(description="Null for a guest who gave no address, or has not confirmed it yet.")
    user_type: str
    is_active: bool
    created_at: UtcTime
    event_id: int | None
    event_name: str | None
    event_code: str | None
    event_date: date | None
    selfie_path: None = Field(None, description="Always null: for older clients.")

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, value: Any) -> Any:
        """Return an account's fields with those of its event as `event_…`, as clients expect them."""
        if not isinstance(value, User):
            return value
        event = value.event
        return {
            **{name: getattr(value, name) for name in ("id", "username", "email", "user_type", "is_active")},
            "created_at": value.created_at,
            "event_id": value.event_id,
            "event_name": event.name if event else None,
            "event_code": event.event_code if event else None,
            "event_date": event.date if event else None,
        }


class PhotographerIn(BaseModel):
    username: Username = Field(examples=["lea"])
    email: Email = Field(examples=["lea@example.org"])
    password: Password = Field(
        description=f"At least {MIN_STAFF_PASSWORD} characters, and not easy to guess.",
        examples=["violet otters knit umbrellas"],
    )


class PhotographerChange(BaseModel):
    username: Username | None = None
    email: Email | None = None
    password: Password | None = None
    is_active: bool | None = None


class PhotographerCreated(BaseModel):
    message: str
    photographer_id: int


class PhotographerChanged(UserOut):
    message: str

    @classmethod
    def of(cls, user: User, message: str) -> Self:
        """Return the account as it is now, with `message`."""
        return cls.model_validate({**UserOut.model_validate(user).model_dump(), "message": message})


class AdminCreated(BaseModel):
    message: str
    admin_id: int


class ProfileOut(BaseModel):
    user: UserOut
    total_photos: int = Field(description="Guests: photos of their event. Staff: photos they may see.")
    photos_with_face: int = Field(
        description="Guests: photos of their event that show them. Staff: photos they may see that show a face."
    )


class ConsentIn(BaseModel):
    event_id: int = Field(ge=1, le=MAX_ID, examples=[7])
    version: ConsentVersion = Field(description=CONSENT, examples=["2026-11.2"])
    language: Literal["fr", "en"] | None = Field(None, description="The language of the wording that was shown.")


class ConsentOut(BaseModel):
    event_id: int
    event_name: str
    version: str = Field(description="Of the wording agreed to; `selfie` where none of ours was shown.")
    locale: str = Field(description="Language of the wording; of the call, where none of ours was shown.")
    basis: str = Field(
        description="`words`: the guest agreed to our wording. `selfie`: the guest sent a selfie after the notice of "
        "an app. `unknown`: a version that no wording is known of; it does not count."
    )
    text_sha256: str | None = Field(description="SHA-256 of the wording; null where none is on record.")
    taken_over: bool = Field(description="Recorded by an upgrade or an import, from a selfie that was there.")
    given_at: UtcTime
    withdrawn_at: UtcTime | None
    ends_at: UtcTime | None = Field(
        description="It rests on a selfie where words are asked for now: withdrawn then, unless the guest agrees."
    )


class PasswordIn(BaseModel):
    password: Password = Field(examples=["a long sentence is a good password"])


PhotosOfMe = Literal["leave", "hide"]
PHOTOS_OF_ME = (
    "What becomes of the photographers' photos of the guest: `leave` them as they are, or `hide` them from all "
    "guests. Photographers still see them."
)


class ErasureIn(BaseModel):
    password: Password | None = Field(
        None, description="Needed unless the account has none.", examples=["a long sentence is a good password"]
    )
    confirm: bool = Field(False, description="For accounts without a password: the guest was asked, and wants it.")
    photos: PhotosOfMe = Field("leave", description=PHOTOS_OF_ME)


class HiddenIn(BaseModel):
    hidden: bool = Field(description="Whether other guests do not see the photos of the guest.", examples=[True])


class HiddenEvents(BaseModel):
    event_ids: list[int]


class Message(BaseModel):
    message: str


class OtpIn(BaseModel):
    otp: Otp = Field(description="The code of the authenticator app, or a recovery code.", examples=["123456"])


class PasswordAndOtpIn(PasswordIn, OtpIn):
    pass


class EnrolmentOut(BaseModel):
    secret: str = Field(description="In base32, to type into the app.", examples=["JBSWY3DPEHPK3PXP"])
    uri: str = Field(description="What the QR code holds: `otpauth://totp/…`.")
    qr: str = Field(description="The QR code as a `data:` URL (PNG).")


class RecoveryCodesOut(BaseModel):
    recovery_codes: list[str] = Field(examples=[["k7f2m-9xq4d"]])


class FactorStateOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    enabled: bool
    required: bool
    recovery_codes_left: int
