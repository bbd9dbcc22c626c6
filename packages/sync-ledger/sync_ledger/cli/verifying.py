"""The command `verify`."""

from __future__ import annotations

import dataclasses
import typing as t

import typer
from sqlalchemy.exc import SQLAlchemyError

from sync_ledger.cli import render_verify
from sync_ledger.cli.app import (
    DEFAULT_URL,
    MOST,
    AsJson,  # noqa: TC001 - typer reads annotations while it runs
    LedgerUrl,  # noqa: TC001
    app,
    open_history,
    show,
)
from sync_ledger.cli.connecting import Config  # noqa: TC001
from sync_ledger.cli.live import TargetName, live_target  # noqa: TC001
from sync_ledger.errors import ConfigError, LedgerError, SyncError
from sync_ledger.ledger.database import open_engine, said
from sync_ledger.ledger.linked import LinkedRecords
from sync_ledger.privacy import Masks
from sync_ledger.verification import Verifier

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_ledger.target import UpsertTarget
    from sync_ledger.verification import Report

_DIFFERENT = 1
_COULD_NOT = 2


@app.command()
def verify(
    ledger_url: LedgerUrl = DEFAULT_URL,
    sample: t.Annotated[
        int | None, typer.Option(min=1, max=MOST, help="Read so many linked records of each entity, not all.")
    ] = None,
    entity: t.Annotated[list[str] | None, typer.Option(help="Only this entity; may be given several times.")] = None,
    limit: t.Annotated[int, typer.Option(min=1, max=MOST, help="Findings listed per entity; all are counted.")] = 1000,
    config: Config = None,
    target: TargetName = None,
    as_json: AsJson = False,
) -> None:
    """Compare what is at the service with what was last written there.

    Ends with 0 if all is equal, 1 if records are missing, differ or are foreign, 2 if it could not be found out.
    """
    try:
        open_history(ledger_url)  # says so if there is no ledger, instead of making one
    except typer.Exit:
        raise typer.Exit(_COULD_NOT) from None
    found: list[Report] = []
    summary: dict[str, t.Any] = {"destination": None, "sample": sample, "error": None}
    try:
        database = open_engine(ledger_url)
        try:
            with live_target(database, target, config, ledger_url) as connected:
                summary["destination"] = connected.destination.name
                links = LinkedRecords(database, connected.destination.name)
                found.extend(_reports(connected, links, entity or [], sample, limit, summary))
        except SQLAlchemyError as error:
            raise LedgerError(f"The ledger failed while it was read: {said(error)}") from error
        finally:
            database.dispose()
    except SyncError as error:
        summary["error"] = str(error)
    show({**summary, "entities": [_plain(report) for report in found]}, render_verify.verify, as_json=as_json)
    if summary["error"]:
        typer.echo(f"Error: {summary['error']}", err=True)
        raise typer.Exit(_COULD_NOT)
    if any(report.differences for report in found):
        raise typer.Exit(_DIFFERENT)


def _reports(
    target: UpsertTarget,
    links: LinkedRecords,
    wanted: Sequence[str],
    sample: int | None,
    limit: int,
    summary: dict[str, t.Any],
) -> Iterator[Report]:
    linked = links.counts()
    unknown = [name for name in wanted if name not in linked]
    if unknown:
        raise ConfigError(
            f"--entity {unknown[0]}: nothing of it is linked; there are {', '.join(linked) or 'no links'}"
        )
    verifier = Verifier(
        target.destination,
        links,
        Masks(target.config.get("masked_fields")),
        rules=target.config.get("field_rules"),
        limit=limit,
    )
    for name in wanted or linked:
        yield verifier.whole(name) if sample is None else verifier.sample(name, sample)
        usage = target.destination.usage()
        summary.update(calls=usage.calls, cost=usage.cost)


def _plain(report: Report) -> dict[str, t.Any]:
    return {
        "entity": report.entity,
        "links": report.links,
        "compared": report.compared,
        "equal": report.equal,
        **{kind.value: count for kind, count in report.counts.items()},
        "changing": report.changing,
        "foreign_looked_for": report.foreign_looked_for,
        "findings": [{**dataclasses.asdict(item), "kind": item.kind.value} for item in report.findings],
    }
