"""Commands on open rows and deletions: `edit`, `replay`, `discard`, `undo`."""

from __future__ import annotations

import typing as t
from pathlib import Path  # noqa: TC003 - typer reads annotations while it runs

import typer

from sync_ledger.cli import editing, render_desk
from sync_ledger.cli.app import (
    DEFAULT_URL,
    MOST,
    AsJson,  # noqa: TC001
    LedgerUrl,  # noqa: TC001
    app,
    fail,
    open_history,
    show,
)
from sync_ledger.cli.choosing import Ids, OfOutcome, OfReason, OfStream, Since, Until  # noqa: TC001
from sync_ledger.cli.connecting import Config, run_on  # noqa: TC001
from sync_ledger.engine.mapper_process import MapperProcess
from sync_ledger.engine.undo_file import read_undo_file
from sync_ledger.errors import SyncError
from sync_ledger.ledger.database import open_engine
from sync_ledger.ledger.desk import Desk, Selection

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sync_ledger.engine.engine import UpsertEngine

RowId = t.Annotated[int, typer.Argument(min=1, max=MOST, help="Number of the open row.", metavar="ID")]


@app.command()
def edit(
    row_id: RowId,
    ledger_url: LedgerUrl = DEFAULT_URL,
    settings: t.Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Set a field; without it, the payload opens in $EDITOR."),
    ] = None,
    note: t.Annotated[str | None, typer.Option(help="Why.")] = None,
    as_json: AsJson = False,
) -> None:
    """Correct the payload of an open row; the next run, or `replay`, tries it again. The first payload is kept."""
    desk = _desk(ledger_url)
    try:
        payload, description = desk.editable(row_id)
        changed = editing.with_settings(payload, settings, description) if settings else editing.in_editor(payload)
        if description is not None:
            editing.check(changed, description)
        desk.edit(row_id, changed, note)
    except SyncError as error:
        fail(str(error))
    found = {"id": row_id, "payload": changed, "payload_before": payload, "checked": description is not None}
    show(found, render_desk.edited, as_json=as_json)


@app.command()
def replay(
    ids: Ids = None,
    *,
    ledger_url: LedgerUrl = DEFAULT_URL,
    outcome: OfOutcome = None,
    reason: OfReason = None,
    stream: OfStream = None,
    since: Since = None,
    until: Until = None,
    everything: t.Annotated[bool, typer.Option("--all", help="All open rows.")] = False,
    next_run: t.Annotated[bool, typer.Option("--next-run", help="Only mark them: the next run tries them.")] = False,
    mapping: t.Annotated[
        Path | None,
        typer.Option("--mapping", metavar="FILE", help="For rows that could not be mapped: map them with this now."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Try open rows again, now or by the next run; failed ones are tried by the next run in any case.

    Rows that could not be mapped are sent with --mapping alone: sync-mapper maps them anew, from the rows as they came.
    """
    if mapping is not None and next_run:
        fail("--next-run does not go with --mapping: a run of the target has no mapper for rows that wait")
    desk = _desk(ledger_url)
    results: list[dict[str, t.Any]] = []
    left_out: list[int] = []
    try:
        mapper = MapperProcess(mapping) if mapping is not None else None
        anything = everything or mapper is not None
        selection = _selection(ids, outcome, reason, stream, since, until, everything=anything)
        for part in desk.choose(selection, left_out, to_map=mapper is not None):
            result: dict[str, t.Any] = {"destination": part.destination, "rows": part.ids, "run_id": None}
            if mapper is not None:
                work = _mapped_anew(part.ids, mapper)
            else:
                desk.mark(part.ids)
                work = _again(part.ids)
            if not next_run:
                result["run_id"] = run_on(part.destination, part.target, config, ledger_url, work)
            results.append(result)
    except SyncError as error:
        fail(str(error))
    history = open_history(ledger_url)
    for result in results:
        run = history.run(result["run_id"]) if result["run_id"] else None
        result["outcomes"] = run["outcomes"] if run else {}
    if left_out:
        numbers = ", ".join(map(str, left_out))
        typer.echo(f"Left out, since they have no key they could be written under: {numbers}", err=True)
    show(results, render_desk.replayed, as_json=as_json)


@app.command()
def discard(
    note: t.Annotated[str, typer.Option(help="Why; kept with the rows.")],
    ids: Ids = None,
    ledger_url: LedgerUrl = DEFAULT_URL,
    outcome: OfOutcome = None,
    reason: OfReason = None,
    stream: OfStream = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Close open rows for good: they are not tried again, but stay in the ledger with the note."""
    if not note.strip():
        fail("--note must say why")
    try:
        done = _desk(ledger_url).discard(_selection(ids, outcome, reason, stream, since, until), note)
    except SyncError as error:
        fail(str(error))
    show({"discarded": done, "note": note}, render_desk.discarded, as_json=as_json)


@app.command()
def undo(
    file: t.Annotated[Path, typer.Argument(help="Undo file of the target.", metavar="FILE")],
    ledger_url: LedgerUrl = DEFAULT_URL,
    stream: OfStream = None,
    external_id: t.Annotated[list[str] | None, typer.Option(help="Only this external ID; may be repeated.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Bring records back that were archived, flagged or deleted, as the undo file has them.

    A deleted record is made anew with all its fields, under a new id.
    """
    history = open_history(ledger_url)
    done: list[dict[str, t.Any]] = []
    try:
        known = read_undo_file(file)
        removals = [
            removal
            for removal in known
            if stream in {None, removal.entity} and (not external_id or removal.external_id in external_id)
        ]
        for destination in sorted({removal.destination for removal in removals}):
            runs = history.runs(destination=destination, limit=1)
            if not runs:
                fail(f"The ledger knows no run on {destination}, where the records of {file} were; check --ledger-url")

            def bring_back(engine: UpsertEngine) -> None:
                for item in engine.undo(removals, known):
                    words = {"outcome": item.outcome.value, "reason": item.reason.value, "text": item.text}
                    key = {"entity": item.row.entity, "external_id": item.row.external_id}
                    done.append({**key, "remote_id": item.remote_id, **words})

            run_on(destination, runs[-1]["target"], config, ledger_url, bring_back)
    except SyncError as error:
        fail(str(error))
    show(done, render_desk.undone, as_json=as_json)
    if any(item["reason"] == "not_restored" for item in done):
        raise typer.Exit(1)


def _desk(url: str) -> Desk:
    open_history(url)  # says so if there is no ledger, instead of making one
    return Desk(open_engine(url))


def _selection(
    ids: t.Any, outcome: t.Any, reason: t.Any, stream: t.Any, since: t.Any, until: t.Any, *, everything: bool = False
) -> Selection:
    selection = Selection(tuple(ids or ()), outcome, reason, stream, since, until)
    if not selection and not everything:
        fail("Say which rows: numbers, --reason, --outcome, --stream, --since or --until")
    return selection


def _mapped_anew(ids: list[int], mapper: MapperProcess) -> Callable[[UpsertEngine], None]:
    def work(engine: UpsertEngine) -> None:
        with mapper:
            engine.remap(ids, mapper)

    return work


def _again(ids: list[int]) -> Callable[[UpsertEngine], None]:
    return lambda engine: engine.replay(ids)
