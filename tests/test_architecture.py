"""The layout in one list: which folders there are, and which way imports run between them."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# From top to bottom. A folder (or a file at the root) imports from its own row and the rows below.
LAYERS = (
    ("bench", "locust_file"),
    ("testkit",),
    ("gunicorn_config", "main", "duties"),
    ("backup", "privacy"),
    ("migrations",),
    ("pages",),
    ("api",),
    ("operations",),
    ("jobs", "guests"),
    ("ending",),
    ("evaluation", "posters"),
    ("notifications",),
    ("mail",),
    ("matching",),
    ("selfies",),
    ("accounts", "photos"),
    ("events",),
    ("audit", "stored"),
    ("encryption",),
    ("decoding",),
    ("changes",),
    ("s3_parts",),
    ("presigning",),
    ("add_performance_indexes", "database", "models", "storage", "tickets"),
    ("postgresql",),
    ("azure_face",),
    ("faces", "throttling"),
    (
        "errors",
        "signing",
        "settings",
        "keys",
        "images",
        "cache_manager",
        "clock",
        "metrics",
        "tracing",
        "process_memory",
        "telemetry",
        "uploader",
    ),
    (
        "limit_settings",
        "machine_settings",
        "privacy_settings",
        "recogniser_settings",
        "storage_settings",
        "tracing_settings",
    ),
    ("setting_values",),
    ("image_decoding",),
    ("colours",),
    ("image_damage",),
    ("rare_formats",),
    ("stripping",),
    ("image_headers",),
)
LEVEL = {name: len(LAYERS) - row for row, names in enumerate(LAYERS) for name in names}
WEB = {"fastapi", "starlette", "fastapi_offline"}
WEB_ROOMS = {"api", "pages", "main", "testkit", "bench"}
STATEMENTS = {"select", "insert", "update", "delete", "exists", "text"}
SQL_FILES = {
    "models.py",
    "jobs/queue.py",
    "jobs/listing.py",
    "jobs/state.py",
    "jobs/control.py",
    "database.py",
    "add_performance_indexes.py",
}
SQL_ROOMS = {"migrations", "testkit", "bench"}


@cache
def sources() -> dict[str, ast.Module]:
    files = [
        path for path in ROOT.rglob("*.py") if not path.relative_to(ROOT).parts[0].startswith((".", "build", "var"))
    ]
    paths = {str(path.relative_to(ROOT)): path for path in files}
    return {name: ast.parse(path.read_text()) for name, path in paths.items() if not name.startswith("tests/")}


def room(path: str) -> str:
    """Return the folder at the root that a file belongs to, or the name of a file at the root."""
    return path.split("/")[0].removesuffix(".py")


@cache
def imported(path: str) -> frozenset[str]:
    """Return the dotted names that a file imports."""
    names: set[str] = set()
    for node in ast.walk(sources()[path]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def arrows() -> dict[str, set[str]]:
    """Return, for each room, the rooms it imports from."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sources():
        found[room(path)] |= {name.split(".")[0] for name in imported(path)} & LEVEL.keys() - {room(path)}
    return found


def test_every_folder_has_its_place() -> None:
    assert {room(path) for path in sources()} - LEVEL.keys() == set()


def test_imports_run_one_way() -> None:
    wrong = [
        f"{here} imports {there}"
        for here, all_there in arrows().items()
        for there in all_there
        if LEVEL[there] > LEVEL[here]
    ]
    assert wrong == []


def test_no_cycle_between_folders() -> None:
    graph, state = arrows(), dict[str, str]()
    cycles: list[str] = []

    def visit(here: str, way: tuple[str, ...]) -> None:
        state[here] = "open"
        for there in graph.get(here, ()):
            if state.get(there) == "open":
                cycles.append(" -> ".join((*way, here, there)))
            elif there not in state:
                visit(there, (*way, here))
        state[here] = "closed"

    for each in list(graph):
        if each not in state:
            visit(each, ())
    assert cycles == []


def test_only_the_two_faces_and_main_know_the_web_framework() -> None:
    wrong = [
        path
        for path in sources()
        if room(path) not in WEB_ROOMS and {name.split(".")[0] for name in imported(path)} & WEB
    ]
    assert wrong == []


def test_sql_has_names_and_lives_in_queries() -> None:
    wrong = [
        path
        for path in sources()
        if not path.endswith("/queries.py")
        and path not in SQL_FILES
        and room(path) not in SQL_ROOMS
        and imported(path) & {f"sqlalchemy.{name}" for name in STATEMENTS}
    ]
    assert wrong == []


def test_pages_leave_rows_and_files_to_the_services() -> None:
    banned = {"sqlalchemy", "storage", "images", "obstore"}
    wrong = [
        f"{path} imports {name}"
        for path in sources()
        if room(path) == "pages"
        for name in imported(path)
        if name.split(".")[0] in banned or "queries" in name.split(".")
    ]
    assert wrong == []


def test_files_of_deleted_rows_are_erased_in_one_place() -> None:
    # Elsewhere only what never had a row is deleted, and what a restore that failed had stored.
    allowed = {
        "backup/restore.py",
        "encryption/store.py",
        "photos/receiving.py",
        "photos/uploads/sweep.py",
        "photos/uploads/ways.py",
        "selfies/files.py",
        "stored/quarantine.py",
        "stored/restored.py",
    }
    found = {
        path
        for path, tree in sources().items()
        if room(path) not in {"bench", "testkit"}
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "delete" and ast.unparse(node.value) == "storage"
    }
    assert found <= allowed


def test_only_the_database_module_commits() -> None:
    wrong = [
        path
        for path, tree in sources().items()
        if path != "database.py" and room(path) not in SQL_ROOMS
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
    ]
    assert wrong == []
