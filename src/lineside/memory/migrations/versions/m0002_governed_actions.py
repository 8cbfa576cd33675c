"""Proposals, their approvals and executions, and the audit ledger"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0002"
down_revision = "m0001"
branch_labels = None
depends_on = None


WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("system", WORDS, nullable=False),
        sa.Column("entity", WORDS, nullable=False),
        sa.Column("requester", WORDS, nullable=False),
        sa.Column("bound", sa.LargeBinary(), nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("open_key", WORDS, nullable=True),
        sa.Column("decided_by", WORDS, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("channel", WORDS, nullable=True),
        sa.Column("detail", WORDS, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("remembered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        sa.UniqueConstraint("open_key", name="uq_proposals_open_key"),
    )
    op.create_index("ix_proposals_state_expires_at", "proposals", ["state", "expires_at"])
    op.create_index("ix_proposals_requester_state", "proposals", ["requester", "state"])
    op.create_table(
        "approvals",
        sa.Column("proposal_id", WORDS, nullable=False),
        sa.Column("approver", WORDS, nullable=False),
        sa.Column("role", WORDS, nullable=False),
        sa.Column("rule", WORDS, nullable=False),
        sa.Column("channel", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name="fk_approvals_proposal_id"),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_approvals"),
    )
    op.create_table(
        "executions",
        sa.Column("proposal_id", WORDS, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("condition", WORDS, nullable=True),
        sa.Column("intended_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_until", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("effect", WORDS, nullable=True),
        sa.Column("executed_at", sa.BigInteger(), nullable=True),
        sa.Column("verify_by", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_record", WORDS, nullable=True),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name="fk_executions_proposal_id"),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_executions"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("proposal", WORDS, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_proposal", "audit_entries", ["proposal"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", WORDS, nullable=False),
        sa.Column("signature", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
