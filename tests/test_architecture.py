"""Imports point down only; SQL, commits and the web framework stay where they belong."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Each name may import those of its own level and below.
LEVELS = [
    {"models", "settings", "errors", "cache_manager", "keys", "metrics", "tracing"},
    {"database", "storage", "images", "fields"},
    {"faces"},
    {"queries", "schemas", "codes", "links", "passwords", "tokens", "matrices", "likeness"},
    {
        "service",
        "validator",
        "bootstrap",
        "progress",
        "checksums",
        "favourites",
        "download",
        "refusals",
        "guest_matches",
        "qr",
        "losses",
        "consent",
        "erasure",
        "cover",
        "members",
    },
    {"job_queue"},
    {"jobs", "job_list", "samples"},
    {"inference", "job_child", "sweep"},
    {"sessions"},
    {"dependencies"},
    {"pages"},
    {"middleware", "routes", "admin", "photographer", "photographers", "guest", "staff", "privacy"},
    {"main"},
]
FEATURES = ("accounts", "events", "photos", "selfies", "matching", "operations")


def sources() -> dict[str, ast.Module]:
    files = [*ROOT.glob("*.py"), *(path for feature in FEATURES for path in (ROOT / feature).glob("*.py"))]
    files += [*(ROOT / "faces").glob("*.py"), *(ROOT / "pages").glob("*.py")]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in files}


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def level(dotted: str) -> int | None:
    parts = dotted.split(".")
    if parts[0] == "faces":
        return 2
    if parts[0] == "pages":
        return LEVELS.index({"pages"})
    if parts[0] == "operations" and parts[1:2] == ["service"]:
        # What it reports on includes the jobs.
        return LEVELS.index({"dependencies"})
    name = parts[1] if parts[0] in FEATURES and len(parts) > 1 else parts[0]
    if parts[0] == "photos" and name == "keys":
        name = "codes"
    return next((number for number, names in enumerate(LEVELS) if name in names), None)


def test_imports_point_down_only() -> None:
    wrong = []
    for path, tree in sources().items():
        here = level(path.removesuffix(".py").replace("/", "."))
        if here is None:
            continue
        wrong += [f"{path} imports {name}" for name in imported(tree) if (there := level(name)) and there > here]
    assert wrong == []


def test_services_queries_and_faces_know_no_web_framework() -> None:
    wrong = [
        path
        for path, tree in sources().items()
        if path != "fields.py"
        and (here := level(path.removesuffix(".py").replace("/", "."))) is not None
        and (here <= LEVELS.index({"jobs", "job_list", "samples"}) or path.endswith("service.py"))
        and any(name.split(".")[0] in ("fastapi", "starlette") for name in imported(tree))
    ]
    assert wrong == []


def test_faces_know_neither_models_nor_database() -> None:
    wrong = [
        path
        for path, tree in sources().items()
        if path.startswith("faces/") and imported(tree) & {"models", "database"}
    ]
    assert wrong == []


def test_matching_sits_above_photos_and_selfies() -> None:
    wrong = [
        f"{path} imports {name}"
        for path, tree in sources().items()
        if path.startswith(("photos/service", "photos/queries", "selfies/service", "selfies/queries"))
        for name in imported(tree)
        if name.startswith("matching")
    ]
    assert wrong == []


def test_pages_leave_rows_and_files_to_the_services() -> None:
    banned = {"sqlalchemy", "storage", "images", "obstore"}
    wrong = [
        f"{path} imports {name}"
        for path, tree in sources().items()
        if path.startswith("pages/")
        for name in imported(tree)
        if name.split(".")[0] in banned or "queries" in name.split(".")
    ]
    assert wrong == []


def test_only_the_database_module_commits() -> None:
    wrong = [
        path
        for path, tree in sources().items()
        if path != "database.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
    ]
    assert wrong == []


def test_every_feature_module_has_a_level() -> None:
    unknown = [
        path
        for path in sources()
        if not path.endswith("__init__.py")
        and "/" in path
        and level(path.removesuffix(".py").replace("/", ".")) is None
    ]
    assert unknown == []
