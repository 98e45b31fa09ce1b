"""How Alembic reaches the database: through the service's own engine and models."""

from alembic import context
from sqlalchemy import text

from database import get_engine
from models import Base

# Any number, the same for everyone who migrates this service's databases.
ADVISORY_LOCK = 7_237_001


def run() -> None:
    """Migrate in one transaction; on PostgreSQL, one process at a time."""
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
