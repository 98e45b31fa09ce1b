"""What each consent rests on, and whether a selfie is one; guests who were found before stay found."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# The versions that there was a wording of, in these languages.
VERSIONS, LANGUAGES = ("2026-11", "2026-11.2"), ("fr", "en")
BASIS = "basis IN ('words','selfie','unknown')"
# A version that no wording is known of stays as it was sent, and does not count. Several wordings bore the same
# version, and who compared the faces is not on record: the digest of what was agreed to before is not known.
KNOWN = sa.text("UPDATE consents SET basis = 'words' WHERE version IN :versions AND locale IN :languages").bindparams(
    sa.bindparam("versions", VERSIONS, expanding=True), sa.bindparam("languages", LANGUAGES, expanding=True)
)
# Who has a selfie, has withdrawn nothing and has agreed to nothing known sent it after the notice of an app.
TAKEN_OVER = sa.text(
    """
    INSERT INTO consents (user_id, event_id, version, locale, basis, taken_over, given_at)
    SELECT user_events.user_id, user_events.event_id, 'selfie', users.locale, 'selfie', true,
           (SELECT max(created_at) FROM selfies WHERE user_id = users.id AND status <> 'rejected')
    FROM user_events JOIN users ON users.id = user_events.user_id
    WHERE user_events.withdrawn_at IS NULL
      AND EXISTS (SELECT 1 FROM selfies WHERE selfies.user_id = users.id AND selfies.status <> 'rejected')
      AND NOT EXISTS (
          SELECT 1 FROM consents
          WHERE consents.user_id = user_events.user_id AND consents.event_id = user_events.event_id
            AND consents.withdrawn_at IS NULL AND consents.basis <> 'unknown'
      )
    """
)


def upgrade() -> None:
    op.add_column(
        "events", sa.Column("selfie_is_consent", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    with op.batch_alter_table("consents", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("basis", sa.String(length=8), server_default="unknown", nullable=False))
        table.add_column(sa.Column("text_sha256", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("taken_over", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        table.create_check_constraint(op.f("ck_consents_basis"), BASIS)
    op.execute(KNOWN)
    op.execute(TAKEN_OVER)


def downgrade() -> None:
    # The release before knows only consents to words.
    op.execute("DELETE FROM consents WHERE basis = 'selfie'")
    with op.batch_alter_table("consents", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f("ck_consents_basis"), type_="check")
        for name in ("taken_over", "text_sha256", "basis"):
            table.drop_column(name)
    op.drop_column("events", "selfie_is_consent")
