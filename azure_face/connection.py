"""What every call to the service shares: the SDK's client, the pace, retries, the circuit breaker, and the errors."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import metrics
from azure_face.circuit import Circuit
from azure_face.pace import CallPace
from azure_face.problems import (
    REFUSALS,
    AccessNotApproved,
    CallRefused,
    KeyRefused,
    QuotaSpent,
    ServiceAway,
)
from faces.engine import RecogniserAway

if TYPE_CHECKING:
    from azure.cognitiveservices.vision.face import FaceClient
    from msrest.exceptions import HttpOperationError

log = logging.getLogger("reperio.azure")
Result = TypeVar("Result")
# Tries of one call, and the pause in seconds before the second one, doubled each time. The actual pause is random,
# from half of it to all of it, so that processes do not call again at the same moment.
TRIES, FIRST_PAUSE = 5, 0.5
# A service that asks for a longer pause than this is treated as away: the job goes back into the queue.
LONGEST_PAUSE = 30.0
# Seconds without calls after a refusal that only the operator can end. Short, because the operator then waits for the
# effect.
REFUSED_PAUSE = 30.0
APPLY = "Microsoft grants it on application: https://aka.ms/facerecognition"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: `timeout` for an answer, `first_pause` before the second try; the clock, and what waits."""

    timeout: float = 15.0
    first_pause: float = FIRST_PAUSE
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = field(default=time.sleep)


class _TryFailed(Exception):
    """A try that failed and may be repeated, and the pause in seconds that the service asks for, if it does.

    `throttled`: the service has done nothing, and only asks us to slow down.
    """

    def __init__(self, problem: ServiceAway, pause: float | None = None, *, throttled: bool = False) -> None:
        super().__init__(str(problem))
        self.problem, self.pause, self.throttled = problem, pause, throttled


class Connection:
    """Makes calls to one endpoint, for any number of threads. It connects at the first call."""

    def __init__(self, endpoint: str, key: str, calls_per_second: float, timing: Timing | None = None) -> None:
        self._endpoint, self._key = endpoint, key
        self._timing = timing or Timing()
        self._pace = CallPace(calls_per_second, self._timing.clock, self._timing.sleep)
        self._client: FaceClient | None = None
        self.circuit = Circuit(self._timing.clock)

    def call(
        self,
        operation: str,
        do: Callable[["FaceClient"], Result],
        *,
        in_doubt: Callable[[], None] = lambda: None,
    ) -> Result:
        """Return what `do` returns, tried again while the service is busy or fails.

        `in_doubt` is called after each failed try that the service may have carried out.

        Raises:
            ServiceAway, KeyRefused, AccessNotApproved, QuotaSpent: the service cannot be used now, or the circuit is
                open (`azure_face.problems`).
            CallRefused: the service refuses this call; a subclass says why.
        """
        for number in range(TRIES):
            self.circuit.check()
            self._pace.wait()
            try:
                return self._try(operation, do)
            except _TryFailed as failed:
                failure = failed
            if not failure.throttled:
                in_doubt()
                self.circuit.failed(failure.problem)
            pause = failure.pause if failure.pause is not None else self._backoff(number)
            if pause > LONGEST_PAUSE:
                self.circuit.open(failure.problem, min(pause, 600.0))
            if pause > LONGEST_PAUSE or number == TRIES - 1:
                break
            self._timing.sleep(pause)
        log.warning("%s gave no result: %s", operation, failure.problem)
        raise failure.problem

    def _backoff(self, number: int) -> float:
        # The random number is no secret: it only separates the tries of several processes.
        return self._timing.first_pause * 2.0**number * (0.5 + random.random() / 2)

    def _try(self, operation: str, do: Callable[["FaceClient"], Result]) -> Result:
        from msrest.exceptions import ClientException, ClientRequestError, HttpOperationError

        outcome = "ok"
        try:
            result = do(self._connected())
        except HttpOperationError as error:
            outcome = str(error.response.status_code)
            raise self._failure(error) from error
        except ClientRequestError as error:
            outcome = "unreachable"
            raise _TryFailed(ServiceAway(f"Azure cannot be reached: {_cause(error)}")) from error
        except ClientException as error:
            outcome = "malformed"
            raise _TryFailed(ServiceAway(f"Azure's answer cannot be read: {type(error).__name__}")) from error
        finally:
            metrics.AZURE_CALLS.labels(operation, outcome).inc()
        self.circuit.succeeded()
        return result

    def _failure(self, error: "HttpOperationError") -> Exception:
        """Return the error to raise for an answer."""
        status, (code, message) = error.response.status_code, _told(error)
        if status == 429 or code == "ConcurrentOperationConflict":
            return _TryFailed(ServiceAway(f"Azure is busy: {message}"), _retry_after(error), throttled=True)
        if status >= 500 or status == 408:
            return _TryFailed(ServiceAway(f"Azure answers {status}: {message}"), _retry_after(error))
        refusal = _resource_refused(status, code, message)
        if refusal is not None:
            self.circuit.open(refusal, REFUSED_PAUSE)
            return refusal
        # The service answers, even if this call cannot succeed.
        self.circuit.succeeded()
        return REFUSALS.get(code, CallRefused)(code, message)

    def _connected(self) -> "FaceClient":
        if self._client is None:
            self._client = _new_client(self._endpoint, self._key, self._timing.timeout)
        return self._client


def _new_client(endpoint: str, key: str, timeout: float) -> "FaceClient":
    from azure.cognitiveservices.vision.face import FaceClient
    from msrest.authentication import CognitiveServicesCredentials
    from msrest.pipeline import Pipeline
    from msrest.pipeline.requests import PipelineRequestsHTTPSender, RequestsCredentialsPolicy
    from msrest.universal_http.requests import RequestsHTTPSender

    client = FaceClient(endpoint, CognitiveServicesCredentials(key))
    config: Any = client.config
    config.retry_policy.retries = 0
    # Otherwise the SDK replaces answers with these statuses by errors that hold no answer.
    config.retry_policy.policy.status_forcelist = ()
    config.connection.timeout = timeout
    # A redirect would send the key to another server.
    config.redirect_policy.allow = False
    # The client's first pipeline was built with three retries; a new one is built with the values set above.
    credentials = RequestsCredentialsPolicy(config.credentials)
    config.pipeline = Pipeline(
        [config.user_agent_policy, credentials], PipelineRequestsHTTPSender(RequestsHTTPSender(config))
    )
    return client


def _told(error: "HttpOperationError") -> tuple[str, str]:
    """Return code and message of an answer, of the inner error where there is one."""
    try:
        outer = error.response.json()["error"]
        inner = outer.get("innererror") or outer
        return str(inner["code"])[:64], str(inner["message"])[:300]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", str(error.response.reason)[:300]


def _resource_refused(status: int, code: str, message: str) -> RecogniserAway | None:
    """Return the error of an answer that any other call would get too, or None."""
    if status == 401:
        return KeyRefused(
            "Azure refuses the key: AZURE_FACE_KEY is wrong, or belongs to another AZURE_FACE_ENDPOINT."
        )
    if status != 403:
        return None
    if code == "QuotaExceeded" or "quota" in message.lower():
        return QuotaSpent(f"The quota of the Azure resource is spent: {message}")
    if code == "UnsupportedFeature":
        return AccessNotApproved(f"The Azure resource may not recognise faces: {message} {APPLY}")
    return AccessNotApproved(f"Azure forbids the call ({code or status}): {message} {APPLY}")


def _retry_after(error: "HttpOperationError") -> float | None:
    """Return the seconds that the answer asks to wait; its header is a number or a date."""
    header = error.response.headers.get("Retry-After", "").strip()
    try:
        if header.isdigit():
            return float(header)
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def _cause(error: Exception) -> str:
    """Return the innermost cause, without addresses of objects and connections."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    return f"{type(inner).__name__}: {inner}"[:200]
