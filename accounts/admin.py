"""Staff accounts at the shell: `python -m accounts.admin list|new|password|close|open|second-factor-off`.

For operators of the service. It asks for no log-in and works on the database that the settings name.
"""

import argparse
import getpass
import secrets
import sys

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import errors
from accounts import password_change, queries, sessions
from accounts.second_factor import service as second_factor
from accounts.service import NewAccount, create_staff
from audit.actor import SHELL, acting
from audit.log import Action, record
from database import reading, transaction
from keys import lookup_key
from models import ADMIN, PHOTOGRAPHER, User
from settings import UnsafeSettings

# 24 characters: the rules for staff ask for 15.
RANDOM_BYTES = 18


class ShellProblem(Exception):
    """The command cannot be carried out; the message says why in one line."""


def list_staff() -> None:
    """Print every photographer and admin: id, type, name, address, whether it is open, second factor."""
    with reading() as session:
        found = queries.staff(session)
    for user in found:
        state = "open" if user.is_active else "closed"
        factor = "second factor" if user.second_factor_at else "password only"
        print(f"{user.id:>6}  {user.user_type:<12}  {user.username}  <{user.email}>  {state}, {factor}")


def new(name: str, email: str | None, user_type: str) -> None:
    """Make an admin or a photographer; without a terminal the password comes from the first line of the input.

    Raises:
        AccountTaken: the name or address is in use. RefusedPassword: it breaks a rule for staff.
        ShellProblem: the name or the address is malformed, or no password was given.
    """
    address = email or (name if "@" in name else f"{name}@localhost")
    if not lookup_key(name) or not lookup_key(address) or "@" not in address:
        raise ShellProblem("the name or the address is empty, too long or malformed")
    password, drawn = _asked_password()
    user = create_staff(NewAccount(name.strip(), address.strip(), password), user_type)
    print(f"{user.user_type} {user.username} made." + (f" Password (shown only now): {password}" if drawn else ""))


def set_password(name: str) -> None:
    """Give an account a new password, and end its sessions.

    Raises:
        ShellProblem: no photographer or admin has this name, or no password was given.
        RefusedPassword: it breaks a rule for staff.
    """
    with transaction() as session:
        user = _named(session, name)
    password, drawn = _asked_password()
    password_change.set_new(user.id, password)
    print(f"{name}: new password, sessions ended." + (f" Password (shown only now): {password}" if drawn else ""))


def set_open(name: str, *, is_open: bool) -> None:
    """Close an account, which ends its sessions, or open it again.

    Raises:
        ShellProblem: no photographer or admin has this name, or it is the last open admin.
    """
    with transaction() as session:
        user = _named(session, name)
        others = [each for each in queries.staff(session) if each.user_type == ADMIN and each.id != user.id]
        if not is_open and user.user_type == ADMIN and not any(each.is_active for each in others):
            raise ShellProblem(f"{name} is the last open admin; make another one first")
        user.is_active = is_open
        if not is_open:
            sessions.end_in(session, user)
        record(session, Action.STAFF_CHANGED, subject_id=user.id, fields=["is_active"])
    print(f"{name}: {'open' if is_open else 'closed, sessions ended'}.")


def second_factor_off(name: str) -> None:
    """Remove an account's second factor: for someone who lost both the phone and the recovery codes.

    Raises:
        ShellProblem: no photographer or admin has this name.
    """
    with transaction() as session:
        second_factor.remove(session, _named(session, name))
    print(f"{name}: logs in with the password alone; sessions ended.")


def _named(session: Session, name: str) -> User:
    key = lookup_key(name)
    user = queries.lock_staff_named(session, key) if key else None
    if user is None:
        raise ShellProblem(f"no photographer or admin is called {name}")
    return user


def _asked_password() -> tuple[str, bool]:
    """Return the password that was typed or piped in, and whether it was drawn at random because none was typed.

    Raises:
        ShellProblem: the two times it was typed differ.
    """
    if sys.stdin.isatty():
        typed = getpass.getpass("New password (empty: one is drawn at random): ")
        if typed and typed != getpass.getpass("The same again: "):
            raise ShellProblem("the two passwords differ")
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    return (typed, False) if typed else (secrets.token_urlsafe(RANDOM_BYTES), True)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m accounts.admin", description="Staff accounts.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every photographer and admin")
    made = commands.add_parser("new", help="make an admin; the password is asked for, or drawn at random")
    made.add_argument("name")
    made.add_argument("--email", help="the address for reset links; NAME@localhost by default")
    made.add_argument("--photographer", action="store_true", help="a photographer instead of an admin")
    for command, text in (
        ("password", "a new password; ends the sessions of the account"),
        ("close", "close an account: no log-in, until it is opened again"),
        ("open", "open a closed account again"),
        ("second-factor-off", "remove the second factor of an account"),
    ):
        commands.add_parser(command, help=text).add_argument("name")
    return parser


def _carry_out(asked: argparse.Namespace) -> None:
    match asked.command:
        case "list":
            list_staff()
        case "new":
            new(asked.name, asked.email, PHOTOGRAPHER if asked.photographer else ADMIN)
        case "password":
            set_password(asked.name)
        case "close" | "open":
            set_open(asked.name, is_open=asked.command == "open")
        case "second-factor-off":
            second_factor_off(asked.name)


def main() -> None:
    """Carry out the command; end with status 1 and one line if it cannot be done."""
    asked = _arguments().parse_args()
    try:
        with acting(SHELL):
            _carry_out(asked)
    except errors.AppError as error:
        sys.exit(error.english)
    except (ShellProblem, UnsafeSettings) as error:
        sys.exit(str(error))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        if "no such table" in reason or "does not exist" in reason:
            sys.exit("DATABASE_URL names a database without the tables of this release: python -m migrations.upgrade")
        sys.exit(f"The database does not answer: {reason}")


if __name__ == "__main__":
    main()
