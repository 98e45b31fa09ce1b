"""Limits of calls: who is calling, and the checks that routes of the API and of the pages make in one line."""

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

import errors
from accounts import login, tokens
from accounts.sessions import Grant
from keys import comparison_key
from models import User
from throttling import passwords, rules
from throttling.slots import Slot

IPV6_NETWORK = 64


def address_of(host: str) -> str:
    """Return what limits count an address as: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), IPV6_NETWORK), strict=False))
    return str(address)


class Caller:
    """The address of a request, behind the trusted proxies, and the limits that are counted for it."""

    def __init__(self, request: Request) -> None:
        self.address = address_of(request.client.host if request.client else "")

    def wrong_code(self) -> None:
        """Count an event code that turned out wrong. Right ones are not counted, so they are never refused.

        Raises:
            TooManyRequests: more than `RATE_WRONG_CODES_MINUTE`.
        """
        rules.count(rules.WRONG_CODES, self.address)

    @contextmanager
    def typed_code(self) -> Iterator[None]:
        """Count the event code if the block raises EventNotFound.

        Raises:
            TooManyRequests: instead of EventNotFound, with more than `RATE_WRONG_CODES_MINUTE`.
        """
        try:
            yield
        except errors.EventNotFound:
            self.wrong_code()
            raise

    @contextmanager
    def shared_link(self) -> Iterator[None]:
        """Count a link to photos that nobody has made: the block raises ForgedPhotoLink.

        Raises:
            TooManyRequests: instead of ForgedPhotoLink, with more than `RATE_WRONG_CODES_MINUTE`.
        """
        try:
            yield
        except errors.ForgedPhotoLink as forged:
            rules.count(rules.WRONG_LINKS, self.address)
            raise errors.NoSuchPhotoLink from forged

    def registration(self) -> AbstractContextManager[None]:
        """Count a registration, unless the block raises TooBusy.

        Raises:
            TooManyRequests: more than `RATE_REGISTRATIONS_MINUTE`.
        """
        return self._counted(rules.REGISTRATIONS)

    def selfie_check(self) -> AbstractContextManager[None]:
        """Count a check of a selfie by a caller who needs no account, unless the block raises TooBusy.

        Raises:
            TooManyRequests: more than `RATE_SELFIE_CHECKS_MINUTE`.
        """
        return self._counted(rules.SELFIE_CHECKS)

    @contextmanager
    def _counted(self, rule: rules.Rule) -> Iterator[None]:
        rules.count(rule, self.address)
        try:
            yield
        except errors.TooBusy:
            rules.give_back(rule, self.address)
            raise

    def password_reset(self, email: str) -> None:
        """Count a request for a reset, for the address of the caller and for the one typed, known or not.

        Raises:
            TooManyRequests: more than `RATE_RESETS_HOUR` or `RATE_RESETS_TARGET_HOUR`.
        """
        rules.count(rules.RESETS, self.address)
        rules.count(rules.RESETS_OF_TARGET, comparison_key(email))

    def link_use(self) -> None:
        """Count the use of a link that was mailed.

        Raises:
            TooManyRequests: more than `RATE_LINKS_MINUTE`.
        """
        rules.count(rules.LINKS, self.address)

    def refresh(self, refresh_token: str) -> None:
        """Count the exchange of a session's refresh token.

        Raises:
            InvalidToken: the token is malformed. TooManyRequests: more than `RATE_REFRESHES_MINUTE`.
        """
        rules.count(rules.REFRESHES, f"session {tokens.read_refresh(refresh_token)}")

    def authenticate(self, username: str, password: str, event_code: str | None, otp: str | None = None) -> User:
        """Return an account as `accounts.login.authenticate` does, with the limits on wrong passwords.

        Raises:
            TooManyRequests: the account waits. BadCredentials, SecondFactorRequired, SeveralAccounts: see there.
        """
        user = login.authenticate(username, password, event_code, otp=otp, guard=self._guard(username))
        passwords.succeeded(self.address, _account(user.id))
        return user

    def log_in(
        self,
        username: str,
        password: str,
        event_code: str | None,
        device: str | None,
        *,
        refresh: bool = False,
        browser: bool = False,
        otp: str | None = None,
        user_id: int | None = None,
    ) -> Grant:
        """Log in as `accounts.login.log_in` does, with the limits on wrong passwords.

        Raises:
            TooManyRequests: the account waits. BadCredentials, SecondFactorRequired, SeveralAccounts: see there.
        """
        guard = self._guard(username)
        grant = login.log_in(
            username,
            password,
            event_code,
            device,
            refresh=refresh,
            browser=browser,
            otp=otp,
            user_id=user_id,
            guard=guard,
        )
        passwords.succeeded(self.address, _account(tokens.read(grant.access_token).user_id))
        return grant

    def guest_at(self, event_id: int, address: str, password: str) -> User | None:
        """Return a guest as `accounts.login.guest_at` does. Each call counts: its address may be sent a mail.

        The limit is that of the address which was typed, whether it belongs to somebody or not: it tells nothing, and
        wrong passwords keep nobody from the login.

        Raises:
            TooManyRequests: more than `RATE_RESETS_TARGET_HOUR` for the address.
        """
        rules.count(rules.RESETS_OF_TARGET, comparison_key(address))
        return login.guest_at(event_id, address, password)

    def kept_address(self, user: User, address: str) -> None:
        """Count a mail that a guest asks for to an address, known or not. Guests share the address of a venue.

        Raises:
            TooManyRequests: more than `RATE_RESETS_TARGET_HOUR` for the guest or for the address.
        """
        rules.count(rules.RESETS_OF_TARGET, f"kept by {user.id}")
        rules.count(rules.RESETS_OF_TARGET, comparison_key(address))

    def log_in_to(self, ticket: str, device: str | None, otp: str | None) -> Grant:
        """Log in as `accounts.login.log_in_to` does; wrong codes of a second factor count as wrong passwords.

        Raises:
            TooManyRequests: the account waits. InvalidToken, SecondFactorRequired, WrongSecondFactor: see there.
        """
        with passwords.attempt(self.address, [_account(tokens.read_choice(ticket).user_id)]):
            return login.log_in_to(ticket, device, otp, browser=True)

    def _guard(self, username: str) -> login.PasswordGuard:
        def guard(ids: Sequence[int]) -> AbstractContextManager[None]:
            # Name and address of one account, with or without a code, count together.
            accounts = [_account(user_id) for user_id in ids] or [f"name {comparison_key(username)}"]
            return passwords.attempt(self.address, accounts)

        return guard

    @contextmanager
    def password_of(self, user: User) -> Iterator[None]:
        """Limit the attempts at the password of an account that is logged in: the block raises BadCredentials.

        Raises:
            TooManyRequests: the account waits.
        """
        with passwords.attempt(self.address, [_account(user.id)]):
            yield


def _account(user_id: int) -> str:
    return f"account {user_id}"


async def _caller(request: Request) -> Caller:
    return Caller(request)


CallerDep = Annotated[Caller, Depends(_caller)]


class SlotResponse(StreamingResponse):
    """A download that gives its slot back when it ends: sent, cut off by the client, or failed."""

    def __init__(self, slot: Slot, chunks: Iterator[bytes], **options: Any) -> None:
        super().__init__(slot.renewing(chunks), **options)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the download; its head alone if only that was asked for."""
        try:
            if scope.get("head_only"):
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": b""})
            else:
                await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._slot.release)
