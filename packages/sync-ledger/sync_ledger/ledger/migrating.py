"""Bringing a ledger to the current schema, by alembic."""

from __future__ import annotations

import logging
import typing as t
from pathlib import Path

from alembic import command
from alembic.config import Config

if t.TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_MIGRATIONS = str(Path(__file__).parent.parent / "migrations")
# Alembic tells of every schema it looks at; a target's log is for its run.
logging.getLogger("alembic").setLevel(logging.WARNING)


def upgrade(connection: Connection) -> None:
    """Run the migrations a ledger lacks, in the connection's transaction."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def configuration() -> Config:
    """Return alembic's settings, which name the folder of the migrations."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS.replace("%", "%%"))
    return config
