"""Payloads of the calls about being told of new photos."""

from typing import Self

from pydantic import BaseModel, Field

from keys import MAX_ENDPOINT
from notifications import vapid
from notifications.endpoints import Device, checked
from notifications.service import Told

Endpoint = Field(
    max_length=MAX_ENDPOINT,
    description="Of the known push services only: others get `UnknownPushService`.",
    examples=["https://fcm.googleapis.com/fcm/send/fXk3:APA91b"],
)


class PushKeys(BaseModel):
    p256dh: str = Field(max_length=100, description="65 bytes in base64url.")
    auth: str = Field(max_length=32, description="16 bytes in base64url.")


class DeviceIn(BaseModel):
    """What `PushSubscription.toJSON()` returns."""

    endpoint: str = Endpoint
    keys: PushKeys

    def device(self) -> Device:
        """Return the device.

        Raises:
            UnknownPushService, InvalidPushKeys: see `notifications.endpoints.checked`.
        """
        return checked(self.endpoint, self.keys.p256dh, self.keys.auth)


class RenewalIn(DeviceIn):
    old_endpoint: str = Field(max_length=MAX_ENDPOINT, description="The address that the browser had before.")


class MailOut(BaseModel):
    available: bool = Field(description="Whether this service sends mails.")
    address: str | None = Field(description="The account's address, or null.", examples=["amy@example.org"])
    confirmed: bool = Field(description="Whether its owner has confirmed it; without, no mail is sent.")
    on: bool
    refused: bool = Field(description="The mail server refused the address for good: nothing more is sent.")


class DeviceOut(BaseModel):
    id: int
    endpoint_sha256: str = Field(description="By it a browser recognises itself; the address is never returned.")
    refused: bool = Field(
        description="The push service refuses messages to this device permanently. Subscribe again."
    )


class PushOut(BaseModel):
    public_key: str = Field(description="The `applicationServerKey` of `pushManager.subscribe`.")
    devices: list[DeviceOut]


class NotificationsOut(BaseModel):
    event_id: int
    possible: bool = Field(description="False once the event has expired, or without consent.")
    email: MailOut
    push: PushOut

    @classmethod
    def of(cls, told: Told) -> Self:
        """Return the payload."""
        return cls(
            event_id=told.event.id,
            possible=told.possible,
            email=MailOut(
                available=told.mail_is_on,
                address=told.address,
                confirmed=told.confirmed,
                on=told.mail,
                refused=told.mail_refused,
            ),
            push=PushOut(
                public_key=vapid.public_key(),
                devices=[
                    DeviceOut(id=each.id, endpoint_sha256=each.hash, refused=each.refused) for each in told.devices
                ],
            ),
        )
