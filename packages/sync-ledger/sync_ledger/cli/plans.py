"""Commands about plans and adoptions: `plans`, `plan`, `apply`, `adoption`."""

from __future__ import annotations

import typing as t

import typer

from sync_ledger.cli import render_plans
from sync_ledger.cli.app import (
    DEFAULT_URL,
    MOST,
    AsJson,  # noqa: TC001 - typer reads annotations while it runs
    LedgerUrl,  # noqa: TC001
    app,
    fail,
    open_history,
    show,
)
from sync_ledger.cli.connecting import Config, run_on  # noqa: TC001
from sync_ledger.cli.labels import label_changes
from sync_ledger.errors import SyncError
from sync_ledger.ledger.database import open_engine
from sync_ledger.ledger.plan_history import PlanHistory
from sync_ledger.ledger.plans import find_plan

if t.TYPE_CHECKING:
    from sync_ledger.ledger.plans import Plan


@app.command()
def plans(
    ledger_url: LedgerUrl = DEFAULT_URL,
    limit: t.Annotated[int, typer.Option(min=1, max=MOST, help="How many of the last plans.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the last plans."""
    show(_history(ledger_url).plans(limit=limit), render_plans.plans, as_json=as_json)


@app.command()
def plan(
    plan_id: t.Annotated[int | None, typer.Argument(min=1, max=MOST, help="Number; else the newest.")] = None,
    ledger_url: LedgerUrl = DEFAULT_URL,
    diff: t.Annotated[bool, typer.Option("--diff", help="Show old and new value of every field.")] = False,
    entity: t.Annotated[str | None, typer.Option(help="Only rows of this entity.")] = None,
    action: t.Annotated[str | None, typer.Option(help="Only create, update, adopt, delete, ... or hold.")] = None,
    status: t.Annotated[str | None, typer.Option(help="Only planned, held, applied, refused or superseded.")] = None,
    limit: t.Annotated[int, typer.Option(min=1, max=MOST, help="How many rows at the most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what a run in mode plan would write, row by row, and what it would cost."""
    found = _history(ledger_url).plan(plan_id, entity=entity, action=action, status=status, limit=limit)
    if found is None:
        fail(f"There is no plan {plan_id}; `sync-ledger plans` lists them" if plan_id else "There is no plan yet")
    if diff and not as_json:
        engine = open_engine(ledger_url)
        label_changes(found["rows"], engine, found["destination"])
        engine.dispose()
    show(found, render_plans.diff if diff else render_plans.plan, as_json=as_json)


@app.command()
def apply(
    plan_id: t.Annotated[int, typer.Argument(min=1, max=MOST, help="Number of the plan.", metavar="PLAN")],
    ledger_url: LedgerUrl = DEFAULT_URL,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write what a plan says. Each record is read again; rows that are no longer as planned are held, not written."""
    open_history(ledger_url)  # says so if there is no ledger, instead of making one
    try:
        engine = open_engine(ledger_url)
        found = find_plan(engine, plan_id)
        engine.dispose()
        if found is None:
            fail(f"There is no plan {plan_id}; `sync-ledger plans` lists them")
        if found.status != "ready":
            fail(_why_not(found))
        run_id = run_on(found.destination, found.target, config, ledger_url, lambda engine: engine.apply_plan(plan_id))
    except SyncError as error:
        fail(str(error))
    result = _history(ledger_url).plan(plan_id, limit=0)
    show({**(result or {}), "run_id": run_id}, render_plans.applied, as_json=as_json)


@app.command()
def adoption(
    run_id: t.Annotated[int | None, typer.Argument(min=1, max=MOST, help="Run; else the newest.")] = None,
    ledger_url: LedgerUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show what a run in mode adopt has linked: coverage, duplicates and gaps."""
    found = _history(ledger_url).adoption(run_id)
    if found is None:
        fail(f"There is no run {run_id} in mode adopt" if run_id else "There is no run in mode adopt yet")
    show(found, render_plans.adoption, as_json=as_json)


def _history(url: str) -> PlanHistory:
    open_history(url)
    return PlanHistory(open_engine(url))


def _why_not(found: Plan) -> str:
    if found.status == "applied":
        return f"Plan {found.id} has been applied already; make a new one"
    return f"Plan {found.id} is not whole: run {found.run_id}, which made it, did not come to its end; make a new one"
