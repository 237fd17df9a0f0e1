"""The first schema: ledger, trusted keys, people, registry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table of the first release. There is no way back: a record is not unmade."""
    _ledger()
    _ledger_state()
    _keys()
    _people()
    _registry_versions()
    _registry_releases()


def _text(name: str, *, null: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null, comment=comment)


def _number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def _bytes(name: str, comment: str | None = None) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False, comment=comment)


def _ledger() -> None:
    op.create_table(
        "ledger_entries",
        _number("position"),
        _text("id"),
        _text("kind"),
        _text("about"),
        _text("at"),
        _bytes("event"),
        _bytes("salt"),
        _bytes("leaf"),
        _bytes("root", comment="of the tree that ends with this entry"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("id", name=op.f("uq_ledger_entries_id")),
    )
    for column in ("about", "kind"):
        name = op.f(f"ix_ledger_entries_{column}_position")
        op.create_index(name, "ledger_entries", [column, "position"])
    op.create_table(
        "ledger_nodes",
        _number("level"),
        _number("position"),
        _bytes("hash"),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_ledger_nodes")),
    )


def _ledger_state() -> None:
    op.create_table(
        "ledger_head",
        _number("id"),
        _number("size"),
        _bytes("root"),
        _bytes("frontier"),
        _text("at"),
        _number("checkpoints"),
        _text("note", comment="the signed head: a checkpoint of size and root"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_checkpoints",
        _number("number"),
        _number("size"),
        _text("note"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_checkpoints")),
        sa.UniqueConstraint("size", name=op.f("uq_ledger_checkpoints_size")),
    )
    op.create_table(
        "ledger_fences",
        _text("name"),
        _number("value"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_fences")),
    )


def _keys() -> None:
    op.create_table(
        "trusted_keys",
        _text("fingerprint"),
        _text("public", comment="PEM"),
        _text("name"),
        _text("trusted_by", comment="a person's id"),
        _text("trusted_at"),
        _text("revoked_by", null=True),
        _text("revoked_at", null=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_trusted_keys")),
    )


def _people() -> None:
    op.create_table(
        "people",
        _text("id"),
        _text("name"),
        _text("name_key"),
        _text("roles"),
        sa.Column("active", sa.Integer(), nullable=False),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name_key", name=op.f("uq_people_name_key")),
    )
    op.create_table(
        "api_keys",
        _text("id"),
        _text("person_id"),
        _text("label"),
        _text("digest"),
        _text("created_at"),
        _text("expires_at", null=True),
        _text("revoked_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_api_keys_person_id_people")
        ),
    )
    op.create_index(op.f("ix_api_keys_person_id"), "api_keys", ["person_id"])
    op.create_table(
        "refused_sign_ins",
        _text("minute"),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_refused_sign_ins")),
    )


def _registry_versions() -> None:
    op.create_table(
        "registry_versions",
        _text("model"),
        _text("version"),
        _text("digest"),
        _text("archive"),
        _text("state"),
        _text("registered_by"),
        _text("registered_at"),
        _text("event_id"),
        sa.PrimaryKeyConstraint("model", "version", name=op.f("pk_registry_versions")),
        sa.UniqueConstraint("digest", name=op.f("uq_registry_versions_digest")),
    )
    op.create_table(
        "registry_approvals",
        _text("model"),
        _text("version"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("person_id"),
        _text("person_name"),
        _text("meaning"),
        _text("at"),
        _text("event_id"),
        sa.PrimaryKeyConstraint(
            "model", "version", "person_id", name=op.f("pk_registry_approvals")
        ),
        sa.ForeignKeyConstraint(
            ["model", "version"],
            ["registry_versions.model", "registry_versions.version"],
            name=op.f("fk_registry_approvals_model_version_registry_versions"),
        ),
    )


def _registry_releases() -> None:
    op.create_table(
        "registry_releases",
        _text("model"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        _text("act"),
        _text("version", null=True),
        _text("digest", null=True),
        _text("since"),
        _text("by"),
        _text("reason"),
        _text("event_id"),
        sa.PrimaryKeyConstraint("model", "epoch", name=op.f("pk_registry_releases")),
    )
