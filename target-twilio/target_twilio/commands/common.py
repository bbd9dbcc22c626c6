"""What the commands of `alerts` share: settings, the ledger, and how things are printed."""

from __future__ import annotations

import contextlib
import getpass
import os
import typing as t

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from sync_ledger.alerts.engine import AlertEngine
from sync_ledger.commands import read_settings
from sync_ledger.ledger import open_engine
from sync_ledger.sending.journal import Journal

from target_twilio.connecting import alert_file, destination_of
from target_twilio.target import TargetTwilio

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled
    from sqlalchemy import Engine

_WIDTH_WITHOUT_TERMINAL: t.Final = 140

FROM_ENVIRONMENT: t.Final = ["ENV"]


def settings(config: Sequence[str]) -> Mapping[str, t.Any]:
    """Return the settings of the target, defaults included.

    Raises:
        SettingsError: They are not valid.
    """
    return read_settings(TargetTwilio, TargetTwilio.cb_config(None, None, tuple(config)))


class Desk:
    """The alerts and messages of one account.

    Attributes:
        config: Settings of the target.
        engine: The ledger's database.
        destination: The account.
    """

    def __init__(self, config: Mapping[str, t.Any]) -> None:
        self.config = config
        self.engine: Engine = open_engine(config["ledger_url"])
        self.destination = destination_of(config)

    @property
    def compiled(self) -> Compiled:
        """The alert file."""
        return alert_file(self.config)

    @property
    def alerts(self) -> AlertEngine:
        """Its alerts, by the alert file."""
        return AlertEngine(self.engine, self.destination, self.compiled)

    @property
    def journal(self) -> Journal:
        """Its messages."""
        return Journal(self.engine, self.destination)


@contextlib.contextmanager
def desk(config: Sequence[str]) -> Iterator[Desk]:
    """Open the ledger of the settings."""
    opened = Desk(settings(config))
    try:
        yield opened
    finally:
        opened.engine.dispose()


def console() -> Console:
    """Return where tables are printed; what comes from rows is no markup."""
    made = Console(soft_wrap=False, markup=False, highlight=False)
    if made.is_terminal or "COLUMNS" in os.environ:
        return made
    return Console(width=_WIDTH_WITHOUT_TERMINAL, markup=False, highlight=False)


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(column)
    return made


def print_json(value: t.Any) -> None:
    """Print something as JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def at(moment: datetime | None) -> str:
    """Return a moment for people, in UTC."""
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def person() -> str:
    """Return who acts, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
