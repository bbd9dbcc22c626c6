"""Commands of `sync-ledger`. Every one prints a table, or JSON with `--json`."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import msgspec
import typer
from secret_references import Resolver, SecretError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from sync_ledger.cli import render
from sync_ledger.cli.choosing import OfOutcome, OfReason, OfStream, Since, Until  # noqa: TC001 - typer reads them
from sync_ledger.errors import LedgerError, SyncError
from sync_ledger.ledger.database import open_engine
from sync_ledger.ledger.desk import Selection
from sync_ledger.ledger.history import History

if t.TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    name="sync-ledger",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Runs, open rows and the life of single records, read from the ledger of our targets.",
)


def _resolved(url: str) -> str:
    try:
        return Resolver()(url)
    except SecretError as error:
        fail(f"--ledger-url {error}")


LedgerUrl = t.Annotated[
    str,
    typer.Option(
        "--ledger-url",
        envvar="SYNC_LEDGER_URL",
        callback=_resolved,
        help="Ledger to read, as in the target's `ledger_url`; it may be a reference such as env:NAME.",
    ),
]
AsJson = t.Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

MOST = 2**63 - 1  # what the databases count with
DEFAULT_URL = "sqlite:///sync-ledger.db"


@app.command()
def runs(
    ledger_url: LedgerUrl = DEFAULT_URL,
    destination: t.Annotated[str | None, typer.Option(help="Only runs of this destination.")] = None,
    limit: t.Annotated[int, typer.Option(min=1, max=MOST, help="How many of the last runs.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the last runs with their rows, outcomes, calls and cost."""
    history = open_history(ledger_url)
    show(history.runs(destination=destination, limit=limit), render.runs, as_json=as_json)


@app.command()
def run(
    run_id: t.Annotated[int, typer.Argument(min=1, max=MOST, help="Number of the run.", metavar="ID")],
    ledger_url: LedgerUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show one run: counts per entity, outcome and reason, and the STATE that came in and went out."""
    found = open_history(ledger_url).run(run_id)
    if found is None:
        fail(f"There is no run {run_id}; `sync-ledger runs` lists them")
    show(found, render.run, as_json=as_json)


@app.command()
def held(
    ledger_url: LedgerUrl = DEFAULT_URL,
    outcome: OfOutcome = None,
    reason: OfReason = None,
    stream: OfStream = None,
    since: Since = None,
    until: Until = None,
    limit: t.Annotated[int, typer.Option(min=1, max=MOST, help="How many rows at the most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List rows that were not written: held and rejected ones wait for a person, failed ones for the next run."""
    history, chosen = open_history(ledger_url), Selection((), outcome, reason, stream, since, until)
    found = history.open_rows(chosen, limit=limit)
    show(found, render.open_rows, as_json=as_json)
    if chosen and not found and history.open_rows(Selection(), limit=1):
        typer.echo("Others do: `sync-ledger held` without these options lists them", err=True)


@app.command()
def why(
    name: t.Annotated[str, typer.Argument(help="Entity, such as organizations; may be left out.", metavar="[ENTITY]")],
    external_id: t.Annotated[
        str | None, typer.Argument(help="External ID, such as the JDE address number.", metavar="EXTERNAL_ID")
    ] = None,
    ledger_url: LedgerUrl = DEFAULT_URL,
    live: t.Annotated[bool, typer.Option("--live", help="Read the record at the service as well.")] = False,
    config: t.Annotated[
        list[str] | None, typer.Option("--config", help="With --live: settings of the target, a JSON file or ENV.")
    ] = None,
    target: t.Annotated[str | None, typer.Option("--target", help="With --live: which target.", metavar="NAME")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole life of one record: its link, every write with old and new values, and what waits."""
    history = open_history(ledger_url)
    entity, key = (name, external_id) if external_id is not None else (_only_entity(history, name), name)
    found = history.why(entity, key)
    if not any(found[part] for part in ("links", "index", "in_flight", "outcomes", "open_rows", "plans")):
        fail(f"The ledger knows nothing of {entity} {key}")
    if live:
        # The service's client is loaded when it is wanted: all other answers come from the ledger alone.
        from sync_ledger.cli.live import read_live  # noqa: PLC0415

        try:
            found["live"] = read_live(history.database, entity, key, target, config, ledger_url)
        except SyncError as error:
            fail(str(error))
    show(found, render.why, as_json=as_json)


def _only_entity(history: History, external_id: str) -> str:
    entities = history.entities_of(external_id)
    if len(entities) > 1:
        fail(f"{external_id} is known as {', '.join(entities)}; name one, like `why {entities[0]} {external_id}`")
    if not entities:
        fail(f"The ledger knows nothing of {external_id}")
    return entities[0]


def open_history(url: str) -> History:
    """Open a ledger that is there; the command ends if there is none."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database and not Path(parsed.database).exists():
            fail(f"There is no ledger {parsed.database}; give the target's ledger_url with --ledger-url")
        return History(open_engine(url))
    except ArgumentError:
        fail("--ledger-url must look like sqlite:///file.db or postgresql://user@host/database")
    except LedgerError as error:
        fail(str(error))


def fail(message: str) -> t.NoReturn:
    """End the command with one line and exit code 1."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)


def show(found: t.Any, table: Callable[[t.Any], None], *, as_json: bool) -> None:
    """Print what was found, as JSON or as a table."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        table(found)
