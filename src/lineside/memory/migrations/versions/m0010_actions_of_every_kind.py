"""Actions of every kind: several approvers, deputies, switches, amounts that add up, undoing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0010"
down_revision = "m0009"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("proposals", sa.Column("amount", WORDS))
    op.add_column("proposals", sa.Column("amount_unit", WORDS))
    op.add_column("proposals", sa.Column("undoes", WORDS))
    op.create_index("ix_proposals_action_decided_at", "proposals", ["action", "decided_at"])
    op.add_column(
        "executions", sa.Column("before", WORDS, nullable=False, server_default='{"values": {}, "effects": []}')
    )
    _approvals_by_person()
    op.create_table(
        "delegations",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("giver", WORDS, nullable=False),
        sa.Column("taker", WORDS, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_delegations"),
    )
    op.create_index("ix_delegations_taker", "delegations", ["taker"])
    op.create_table(
        "switches",
        sa.Column("target", WORDS, nullable=False),
        sa.Column("armed_for", WORDS),
        sa.Column("first_by", WORDS),
        sa.Column("first_at", sa.BigInteger()),
        sa.Column("armed_by", WORDS),
        sa.Column("armed_at", sa.BigInteger()),
        sa.Column("stopped_by", WORDS),
        sa.Column("stopped_at", sa.BigInteger()),
        sa.Column("reason", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("target", name="pk_switches"),
    )


def _approvals_by_person() -> None:
    """One row a proposal becomes one row a person and proposal; what was approved stays."""
    op.rename_table("approvals", "approvals_before")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_approvals_proposal_id", "approvals_before", type_="foreignkey")
        op.drop_constraint("pk_approvals", "approvals_before", type_="primary")
    op.create_table(
        "approvals",
        sa.Column("proposal_id", WORDS, nullable=False),
        sa.Column("approver", WORDS, nullable=False),
        sa.Column("on_behalf", WORDS),
        sa.Column("role", WORDS, nullable=False),
        sa.Column("rule", WORDS, nullable=False),
        sa.Column("channel", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name="fk_approvals_proposal_id"),
        sa.PrimaryKeyConstraint("proposal_id", "approver", name="pk_approvals"),
    )
    op.execute(
        "INSERT INTO approvals (proposal_id, approver, role, rule, channel, digest, approved_at, used_at) "
        "SELECT proposal_id, approver, role, rule, channel, digest, approved_at, used_at FROM approvals_before"
    )
    op.drop_table("approvals_before")
