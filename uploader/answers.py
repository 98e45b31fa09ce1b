"""What the service answers that is no success, as exceptions."""

import http.client
import json
from urllib.error import HTTPError

# Statuses of a service that is down, busy or full: a later try may succeed.
RETRYABLE = (408, 429, 502, 503, 504, 507)


class Away(Exception):
    """The service is down or busy. `retry_after`: the seconds it asked for, 0 where it named none."""

    def __init__(self, retry_after: float = 0) -> None:
        super().__init__()
        self.retry_after = retry_after


class Dropped(Away):
    """The connection was lost, or nothing answers at the address."""

    def __str__(self) -> str:
        return "dropped"


class Refused(Exception):
    """The service refused the request and would refuse it again; the message is its reason."""

    def __init__(self, status: int, name: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.name = status, name


class Broken(Exception):
    """The service answered this request with a 5xx status; another try may succeed."""


def error_of(error: HTTPError) -> Exception:
    """Return the exception that stands for an HTTP error's status and body."""
    try:
        body = json.load(error)
    except (ValueError, OSError, http.client.HTTPException):
        body = {}
    if error.code in RETRYABLE:
        after = error.headers.get("Retry-After", "")
        return Away(float(after) if after.isdigit() else 0)
    if error.code >= 500:
        return Broken(body.get("detail", str(error.code)))
    return Refused(error.code, body.get("error", ""), str(body.get("detail", error.code)))
