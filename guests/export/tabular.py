"""The bytes of the files of an export: JSON and CSV."""

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

Row = Mapping[str, Any]
# A spreadsheet takes a cell that begins with one of these for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def as_json(tables: Mapping[str, Sequence[Row]]) -> bytes:
    """Return all tables as one JSON object, in UTF-8; times in UTC, bytes in base64."""
    plain = {
        table: [{name: _plain(value) for name, value in row.items()} for row in rows]
        for table, rows in tables.items()
    }
    return json.dumps(plain, ensure_ascii=False, indent=1).encode()


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """Return a table as CSV in UTF-8, with a byte order mark: spreadsheets ask for it. Lists are JSON."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    plain = _plain(value)
    return f"'{plain}" if isinstance(plain, str) and plain.startswith(FORMULAS) else plain
