"""Shows the mails that wait and failed; with an address, sends a test mail to it at once.

python -m mail.check [ADDRESS]
"""

import argparse
import secrets
import sys

from sqlalchemy.exc import SQLAlchemyError

from database import reading
from mail import queries
from mail.letters import BadAddress, letter
from mail.post import Delayed, Refused, post_for
from models import utcnow
from settings import Settings, UnsafeSettings, get_settings

SHOWN = 20


def main(arguments: list[str]) -> str | None:
    """Return what is wrong, or None."""
    parser = argparse.ArgumentParser(prog="python -m mail.check", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address", nargs="?", help="where a test mail goes")
    address = parser.parse_args(arguments).address
    try:
        settings = get_settings()
        return _send_test(settings, address) if address else _show(settings)
    except (UnsafeSettings, SQLAlchemyError, BadAddress, Refused, Delayed) as error:
        return str(error).splitlines()[0]


def _show(settings: Settings) -> str | None:
    print(f"mail goes to {settings.smtp_host or settings.mail_folder or 'nowhere: it is off'}")
    with reading() as session:
        found, failed = queries.counts(session), queries.failed(session, SHOWN)
    print(", ".join(f"{number} {status}" for status, number in sorted(found.items())) or "no mail waits")
    for mail, name in failed:
        print(f"{mail.id}  {mail.kind}  for {name}: {mail.error}")
    return None


def _send_test(settings: Settings, address: str) -> str | None:
    if not settings.mail_is_on:
        return "mail is off: set SMTP_HOST and MAIL_FROM"
    post = post_for(settings)
    try:
        post.send(letter("test", secrets.randbelow(10**9), address, "en", utcnow()))
    finally:
        post.close()
    print("accepted")
    return None


if __name__ == "__main__":
    problem = main(sys.argv[1:])
    sys.exit(f"not sent: {problem}" if problem else 0)
