"""Alembic's environment: it uses the service's engine and models."""

from alembic import context
from sqlalchemy import text

from database import get_engine
from models import Base

# An arbitrary key for advisory locks; `add_performance_indexes.py` uses another one.
ADVISORY_LOCK = 7_237_001


def run() -> None:
    """Run the migrations in one transaction; on PostgreSQL an advisory lock lets one process run at a time."""
    engine = get_engine().execution_options(sqlite_begin="IMMEDIATE")
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            transactional_ddl=True,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                context.get_bind().execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            context.run_migrations()


run()
