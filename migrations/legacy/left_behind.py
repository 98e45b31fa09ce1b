"""What of the predecessor's database is not imported: a line of the report for each table."""

from migrations.legacy.source import REQUIRED, Source, truth, word

FACES = "{} stay behind; they are found again from the pictures"
GOOGLE = "here photos are sent by the studio's page or by `python -m uploader`"
TABLES = {
    "face_matches": FACES,
    "photo_faces": FACES,
    "delete_jobs": "{} stay behind",
    "gdrive_integrations": "{} stay behind, with their tokens; " + GOOGLE,
    "gdrive_ingestion_log": "{} stay behind",
    "local_watchers": "{} stay behind; `python -m uploader` follows a folder",
    "local_ingestion_log": "{} stay behind",
    "password_reset_tokens": "{} stay behind",
}
READ = {*REQUIRED, "user_events"}
# The tables of migration tools.
TOOLS = {"alembic_version"}


def lines(source: Source) -> list[str]:
    """Return a line for each table that stays behind, with its number of rows, and for links to other services.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    present = [name for name in source.tables if name not in READ | TOOLS and not name.startswith("sqlite_")]
    found = [
        f"{name}: {text.format(source.count(name))}{_further(source, name)}"
        for name, text in TABLES.items()
        if name in present
    ]
    if unknown := [name for name in present if name not in TABLES]:
        found.append(f"unknown tables stay behind: {', '.join(unknown)}")
    if source.has("user_events", "rekognition_face_id"):
        faces = source.count("user_events", filled="rekognition_face_id")
        found.append(f"user_events: {faces} faces are in collections of Amazon Rekognition; delete them there")
    return found


def _further(source: Source, name: str) -> str:
    if name == "password_reset_tokens":
        return f"; {_unused_links(source)} unused links end, and a new one can be asked for"
    if name == "delete_jobs" and source.has(name, "status"):
        open_ones = sum(word(row["status"]) in ("pending", "in_progress") for row in source.rows(name))
        return f"; {open_ones} were not finished: the photos they were to delete come, delete them here"
    return ""


def _unused_links(source: Source) -> int:
    name = "password_reset_tokens"
    if source.has(name, "used"):
        return sum(truth(row["used"]) is not True for row in source.rows(name))
    return source.count(name, empty="used_at") if source.has(name, "used_at") else source.count(name)
