"""The tables as the code knows them are the tables that the migrations make, on both databases."""

from __future__ import annotations

import typing as t

from sqlalchemy import create_engine, inspect
from sync_ledger.ledger import alert_tables, open_engine, sending_tables, tables

if t.TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

VERSIONS = "sync_ledger_version"


def shape(engine: Engine) -> dict[str, t.Any]:
    """Return tables with their columns, keys, constraints and indexes, without defaults and the order of columns."""
    found = {}
    inspector = inspect(engine)
    for name in set(inspector.get_table_names()) - {VERSIONS}:
        indexes = inspector.get_indexes(name)
        found[name] = {
            "columns": {one["name"]: (str(one["type"]), one["nullable"]) for one in inspector.get_columns(name)},
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "unique": {one["name"]: one["column_names"] for one in inspector.get_unique_constraints(name)},
            "indexes": {
                one["name"]: (
                    one["column_names"],
                    bool(one["unique"]),
                    {what: str(where) for what, where in one.get("dialect_options", {}).items()},
                )
                for one in indexes
            },
        }
    engine.dispose()
    return found


def test_the_migrations_make_the_tables_of_the_code(ledger_url: str, tmp_path: Path) -> None:
    migrated = shape(open_engine(ledger_url))
    if ledger_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/made.db"
        made = create_engine(url)
    else:
        made = create_engine(ledger_url.replace("postgresql:", "postgresql+psycopg:"))
        tables.metadata.drop_all(made)
    tables.metadata.create_all(made)
    whole = shape(made)
    assert migrated == whole
    assert {one.name for one in (*alert_tables.ALERT_TABLES, sending_tables.messages, tables.runs)} <= set(whole)
