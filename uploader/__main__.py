"""Command line: `python -m uploader DIR --event CODE --server URL`.

Exit status: 0 when every photo is at the event, 2 when some were refused, 1 when sending failed or was stopped.
"""

import argparse
import getpass
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from uploader.answers import Away, Broken, Refused
from uploader.client import Client
from uploader.files import list_files, stable_files
from uploader.report import Report
from uploader.sender import Sender, SendingFailed
from uploader.words import language, say

ALL_SENT, FAILED, SOME_REFUSED = 0, 1, 2
PATIENCE_SECONDS = 600.0
STILL_SECONDS = 2.0


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m uploader", description=say("usage"))
    parser.add_argument("folder", type=Path, metavar="DIR", help=say("help.folder"))
    parser.add_argument("--event", required=True, metavar="CODE", help=say("help.event"))
    parser.add_argument(
        "--server", default=os.environ.get("REPERIO_SERVER", ""), metavar="URL", help=say("help.server")
    )
    parser.add_argument("--user", default=os.environ.get("REPERIO_USER", ""), help=say("help.user"))
    parser.add_argument("--otp", default=os.environ.get("REPERIO_OTP", ""), metavar="CODE", help=say("help.otp"))
    parser.add_argument("--watch", action="store_true", help=say("help.watch"))
    parser.add_argument("--still", type=float, default=STILL_SECONDS, metavar="S", help=say("help.still"))
    parser.add_argument("--patience", type=float, metavar="S", help=say("help.patience"))
    return parser.parse_args(given)


def _password(user: str) -> str:
    password = os.environ.get("REPERIO_PASSWORD", "")
    if not password and sys.stdin.isatty():
        password = getpass.getpass(say("password", user=user))
    if not password:
        raise SendingFailed(say("no_password"))
    return password


def _log_in(client: Client, user: str, password: str, otp: str) -> None:
    try:
        client.log_in(user, password, otp)
    except Refused as refusal:
        if refusal.name != "SecondFactorRequired":
            raise
        if not sys.stdin.isatty():
            raise SendingFailed(say("no_otp")) from refusal
        client.log_in(user, password, getpass.getpass(say("otp", user=user)).strip())


def _connect(asked: argparse.Namespace) -> tuple[Client, int]:
    """Log in and return the client and the event's id, so that wrong arguments are found before any photo is sent.

    Raises:
        SendingFailed: the folder or the event does not exist, an argument is missing, the login was refused, or the
            service does not answer.
    """
    if not asked.folder.is_dir():
        raise SendingFailed(say("no_folder", folder=asked.folder))
    for name in ("server", "user"):
        if not getattr(asked, name):
            raise SendingFailed(say(f"no_{name}"))
    client = Client(asked.server, language())
    try:
        client.find()
        _log_in(client, asked.user, _password(asked.user), asked.otp)
        event = client.event(asked.event)
    except (Away, Broken) as error:
        raise SendingFailed(say("away", server=asked.server)) from error
    except Refused as refusal:
        other_service = refusal.name == "NotThisService"
        raise SendingFailed(say("not_this", server=asked.server) if other_service else str(refusal)) from refusal
    if event is None:
        raise SendingFailed(say("no_event", code=asked.event))
    _print(say("event", name=event["name"], code=event["event_code"]))
    return client, int(event["id"])


def _print(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _stop_at_ctrl_c(sender: Sender) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        sender.stop()
        # A second Ctrl-C ends the process at once.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def main(given: Sequence[str] | None = None) -> int:
    """Send the folder; return the exit status."""
    asked = _arguments(given)
    try:
        client, event_id = _connect(asked)
    except SendingFailed as end:
        _print(str(end))
        return FAILED
    endless = float("inf") if asked.watch else PATIENCE_SECONDS
    sender = Sender(client, event_id, endless if asked.patience is None else asked.patience)
    _stop_at_ctrl_c(sender)
    if asked.watch:
        _print(say("watching", folder=asked.folder))
    groups = (
        stable_files(asked.folder, asked.still, sender.pause) if asked.watch else iter([list_files(asked.folder)])
    )
    status = ALL_SENT
    with Report(sender.tally) as report:
        try:
            sender.run(groups)
        except SendingFailed as end:
            status = FAILED
            _print("\n" + say(str(end)))
    sys.stdout.write(report.summary(asked.folder) + "\n")
    if status == FAILED or sender.tally.left:
        return FAILED
    return SOME_REFUSED if sender.tally.refused else ALL_SENT


if __name__ == "__main__":
    sys.exit(main())
