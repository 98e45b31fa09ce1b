"""A server that speaks the Face REST API v1.0 over HTTP: `python -m testkit.azure_face_server --port 9123`.

A test looks into `server.state` and sets `server.state.faults`; other processes read `GET /state`.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from faces.engine import FaceEngine
from testkit.azure_face_shapes import Refused
from testkit.azure_face_state import FaceState

ROOT = "/face/v1.0/"
# The codes that the gateway in front of the service uses.
THROTTLED = "Rate limit is exceeded. Try again in {} seconds."
QUOTA = "Out of call volume quota for Face F0 pricing tier. Quota will be replenished in 21.04:12:00."
DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
UNAPPROVED = (
    "Feature is not supported, missing approval for one or more of the following features: "
    "Identification,Verification. Please apply for access at https://aka.ms/facerecognition"
)


class _Gone(Exception):
    """The connection is closed without an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FaceState

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        parts = urlsplit(self.path)
        if parts.path == "/state":
            self._answer(200, {"held": self.state.held(), "lists": sorted(self.state.lists)})
            return
        query = dict(parse_qsl(parts.query))
        try:
            failing = self._fault()
            if not parts.path.startswith(ROOT):
                raise Refused(404, "404", "Resource not found")
            status, told = _routed(self.state, self.command, parts.path.removeprefix(ROOT).split("/"), query, body)
            if failing:
                raise Refused(500, "InternalServerError", "Internal server error.")
            self._answer(status, told)
        except _Gone:
            self.close_connection = True
        except Refused as refusal:
            self._refuse(refusal)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _fault(self) -> bool:
        """Fail on purpose, or return whether the call fails after it was carried out."""
        state, faults = self.state, self.state.faults
        with state.lock:
            drawn, late = state.random.random(), state.random.random() < 0.5
            hang, faults.hang_once = faults.hang_once, 0.0
            state.calls[self.command] = state.calls.get(self.command, 0) + 1
        if time.monotonic() < faults.away_until:
            self._count("away")
            raise _Gone
        if hang:
            self._count("hung")
            time.sleep(hang)
        if self.headers.get("Ocp-Apim-Subscription-Key") != state.key:
            raise Refused(401, "401", DENIED)
        if faults.quota_spent:
            raise Refused(403, "403", QUOTA)
        if drawn < faults.throttle_share:
            raise Refused(429, "429", THROTTLED.format(faults.retry_after))
        failing = drawn < faults.throttle_share + faults.error_share
        if failing and not late:
            raise Refused(500, "InternalServerError", "Internal server error.")
        return failing

    def _refuse(self, refusal: Refused) -> None:
        error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
        if refusal.code == "UnsupportedFeature":
            error = {"code": "InvalidRequest", "message": "Invalid request has been sent.", "innererror": error}
        seconds = {"Retry-After": str(self.state.faults.retry_after)} if refusal.status == 429 else {}
        self._answer(refusal.status, {"error": error}, seconds)

    def _answer(self, status: int, told: Any, headers: dict[str, str] | None = None) -> None:
        self._count(str(status))
        data = b"" if told is None else json.dumps(told).encode()
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:
            # A client that waited too long has gone.
            self.close_connection = True

    def _count(self, what: str) -> None:
        with self.state.lock:
            told = self.state.faults.told
            told[what] = told.get(what, 0) + 1


def _routed(state: FaceState, method: str, path: list[str], query: dict[str, str], body: bytes) -> tuple[int, Any]:
    """Carry a call out; return the status and the body of its answer."""
    match method, path:
        case "POST", ["detect"]:
            if not state.faults.approved and query.get("returnFaceId", "true") == "true":
                raise Refused(403, "UnsupportedFeature", UNAPPROVED)
            return 200, state.detect(body, query)
        case "POST", ["findsimilars"]:
            return 200, state.find_similar(json.loads(body))
        case "GET", ["largefacelists"]:
            return 200, state.listed_lists(query)
        case "PUT", ["largefacelists", list_id]:
            state.make_list(list_id, json.loads(body))
            return 200, None
        case "DELETE", ["largefacelists", list_id]:
            state.delete_list(list_id)
            return 200, None
        case "POST", ["largefacelists", list_id, "train"]:
            state.train(list_id)
            return 202, None
        case "GET", ["largefacelists", list_id, "training"]:
            return 200, state.training_of(list_id)
        case "GET", ["largefacelists", list_id, "persistedfaces"]:
            return 200, state.listed_faces(list_id, query)
        case "POST", ["largefacelists", list_id, "persistedfaces"]:
            return 200, state.add_face(list_id, body, query)
        case "DELETE", ["largefacelists", list_id, "persistedfaces", persisted]:
            state.delete_face(list_id, persisted)
            return 200, None
    raise Refused(404, "404", "Resource not found")


class FaceServer:
    """The server, on a port of its own."""

    def __init__(self, state: FaceState, port: int = 0) -> None:
        self.state = state
        handler = type("Handler", (_Handler,), {"state": state})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def endpoint(self) -> str:
        """The address that a client is given."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which the service uses this server, quickly."""
        return {
            "FACE_RECOGNIZER_PROVIDER": "azure",
            "AZURE_FACE_ENDPOINT": self.endpoint,
            "AZURE_FACE_KEY": self.state.key,
            "AZURE_FACE_CALLS_PER_SECOND": "1000",
        }

    def start(self) -> None:
        """Answer calls."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def face_server(engine: FaceEngine, **options: Any) -> Iterator[FaceServer]:
    """Run a server with that engine; `options` are those of `FaceState`."""
    server = FaceServer(FaceState(engine, **options))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def main() -> None:
    """Run a server until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="python -m testkit.azure_face_server", description=__doc__)
    parser.add_argument("--port", type=int, default=9123)
    parser.add_argument("--key", default="a-key")
    parser.add_argument("--colours", action="store_true", help="recognise coloured squares, not faces")
    parser.add_argument("--training-seconds", type=float, default=2.0)
    asked = parser.parse_args()
    if asked.colours:
        from faces.fake import FakeEngine

        engine: FaceEngine = FakeEngine()
    else:
        from faces.local import LocalEngine

        engine = LocalEngine()
    state = FaceState(engine, training_seconds=asked.training_seconds, key=asked.key)
    server = FaceServer(state, asked.port)
    print(f"AZURE_FACE_ENDPOINT={server.endpoint} AZURE_FACE_KEY={asked.key}", flush=True)
    server.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
