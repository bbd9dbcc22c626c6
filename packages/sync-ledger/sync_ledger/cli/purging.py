"""The command `purge`."""

from __future__ import annotations

import re
import typing as t
from datetime import timedelta

import typer
from sqlalchemy.exc import SQLAlchemyError

from sync_ledger.cli.app import (
    DEFAULT_URL,
    AsJson,  # noqa: TC001 - typer reads annotations while it runs
    LedgerUrl,  # noqa: TC001
    app,
    fail,
    open_history,
    show,
)
from sync_ledger.engine.undo_file import erase_from, undo_path
from sync_ledger.errors import InputError
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.database import open_engine, said
from sync_ledger.privacy.erasing import Eraser, Selection

if t.TYPE_CHECKING:
    from datetime import datetime

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
MOST = 36_500  # days; beyond it no calendar goes


@app.command()
def purge(
    ledger_url: LedgerUrl = DEFAULT_URL,
    older_than: t.Annotated[str | None, typer.Option(help="Age, such as 90d, 12w or 36h.")] = None,
    person: t.Annotated[str | None, typer.Option(help="Only what belongs to this external ID.")] = None,
    entity: t.Annotated[str | None, typer.Option("--stream", "--entity", help="Only this stream.")] = None,
    destination: t.Annotated[str | None, typer.Option(help="Only this destination.")] = None,
    undo_file: t.Annotated[
        str | None, typer.Option(help="Undo file of the target, if its setting undo_file names one.")
    ] = None,
    dry_run: t.Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase values from the ledger: payloads, old and new values, answers, values of plans, alerts and messages.

    Decisions on alerts go by age as a whole, and only their texts of a person.

    Of a person, the lines of the undo file as well, so that these deletions cannot be undone any more.
    Links, hashes, counts and reasons stay, so that nothing is written twice.
    """
    if older_than is None and person is None:
        fail("Say what to erase: --older-than AGE, --person EXTERNAL_ID, or both")
    open_history(ledger_url)  # says so if there is no ledger, instead of making one
    selection = Selection(_before(older_than), person, entity, destination)
    database = open_engine(ledger_url)
    try:
        eraser = Eraser(database)
        erased = eraser.erase(selection, dry_run=dry_run)
        if person is not None and older_than is None:
            path = undo_path(undo_file, ledger_url)
            erased["undo_file"] = erase_from(path, selection.takes, dry_run=dry_run)
        if not dry_run:
            eraser.compact()
    except InputError as error:
        fail(f"{error}; what was erased until then is erased")
    except SQLAlchemyError as error:
        fail(f"The ledger failed: {said(error)}; what was erased until then is erased")
    finally:
        database.dispose()
    show({"dry_run": dry_run, "erased": erased}, _table, as_json=as_json)


def _before(age: str | None) -> datetime | None:
    if age is None:
        return None
    given = re.fullmatch(r"\s*(\d{1,7})\s*([hdw])\s*", age)
    wanted = timedelta(**{_UNITS[given[2]]: int(given[1])}) if given else None
    if wanted is None or wanted > timedelta(days=MOST):
        fail(f"--older-than {age}: give a number and h, d or w, such as 90d")
    return now() - wanted


def _table(found: dict[str, t.Any]) -> None:
    what = "would be erased" if found["dry_run"] else "erased"
    for table, rows in found["erased"].items():
        typer.echo(f"{table}: values of {rows} {'row' if rows == 1 else 'rows'} {what}")
