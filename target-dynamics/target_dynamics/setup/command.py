"""The command `target-dynamics setup`."""

from __future__ import annotations

import typing as t

import click
from sync_ledger.commands import read_settings
from sync_ledger.errors import SyncError
from sync_ledger.set_up import quiet, show_and_make

from target_dynamics import directory
from target_dynamics.connecting import connect
from target_dynamics.setup.keys import TIME_LIMIT_SECONDS
from target_dynamics.setup.making import Maker
from target_dynamics.setup.wanted import wanted_columns
from target_dynamics.target import TargetDynamics

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_dynamics.setup.wanted import Lacking


@click.command(name="target-dynamics setup")
@click.argument("entities", nargs=-1, metavar="[ENTITY]...")
@click.option(
    "--config",
    multiple=True,
    default=("ENV",),
    callback=TargetDynamics.cb_config,
    help="Configuration file, or 'ENV' for environment variables (the default); several are merged.",
)
@click.option("--yes", is_flag=True, help="Make what is missing without asking.")
@click.option(
    "--wait",
    "seconds",
    type=click.IntRange(min=1),
    default=TIME_LIMIT_SECONDS,
    show_default=True,
    help="How long to wait for the index of an alternate key, in seconds.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print what is missing as one JSON object; makes it with --yes only."
)
@click.pass_context
def setup(
    context: click.Context, entities: tuple[str, ...], config: t.Any, seconds: int, *, yes: bool, as_json: bool
) -> None:
    """Make the columns a load needs: the external ID column with its alternate key, and those of custom_fields.

    Shows what is missing and asks first. Makes columns and keys and waits until the keys are active; never renames,
    changes or deletes what is there. The exit code is 1 when something stands in the way or the answer is no.
    """
    try:
        settings = read_settings(TargetDynamics, config)
        client = connect(settings)
        try:
            tables = directory.tables(client, settings["entities"])
            wanted = wanted_columns(settings, tables, entities)
            maker = Maker(
                client,
                tables,
                quiet if as_json else click.echo,
                prefix=settings["publisher_prefix"],
                solution=settings.get("solution"),
                seconds=seconds,
            )
            done = show_and_make(
                maker.examine(wanted),
                lambda entity: maker.make(entity, [one for one in wanted if one.entity == entity]),
                service="Dataverse",
                lines=_lines,
                report=_report,
                yes=yes,
                as_json=as_json,
            )
        finally:
            client.close()
    except SyncError as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(1)
    context.exit(0 if done else 1)


def _lines(entity: str, one: Lacking) -> Iterator[str]:
    for column in one.columns:
        yield str(column)
    for wanted, _, labels in one.options:
        yield f"{entity}: {wanted.label}, options {', '.join(labels)}"
    for name in one.keys if not any(column.key for column in one.columns) else ():
        yield f"{entity}: alternate key on {name}"
    for key in one.waiting:
        yield f"{entity}: {key.name}, whose index is being built ({key.status})"
    for key in one.failed:
        yield f"{entity}: {key.name}, whose index failed"


def _report(one: Lacking) -> dict[str, t.Any]:
    return {
        "columns": [
            {"label": column.label, "type": column.type, "key": column.key, "options": list(column.options)}
            for column in one.columns
        ],
        "keys": one.keys,
        "options": {wanted.label: list(labels) for wanted, _, labels in one.options},
        "waiting": [key.name for key in one.waiting],
        "failed": [key.name for key in one.failed],
    }
