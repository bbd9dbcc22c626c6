"""The command `target-pipedrive setup`."""

from __future__ import annotations

import typing as t

import click
from sync_ledger.commands import read_settings
from sync_ledger.errors import SyncError
from sync_ledger.set_up import quiet, show_and_make

from target_pipedrive.connecting import connect
from target_pipedrive.setup.making import Maker
from target_pipedrive.setup.wanted import HOLDERS, wanted_fields
from target_pipedrive.target import TargetPipedrive

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_pipedrive.setup.wanted import Lacking


@click.command(name="target-pipedrive setup")
@click.argument("entities", nargs=-1, metavar="[STREAM]...")
@click.option(
    "--config",
    multiple=True,
    default=("ENV",),
    callback=TargetPipedrive.cb_config,
    help="Configuration file, or 'ENV' for environment variables (the default); several are merged.",
)
@click.option("--yes", is_flag=True, help="Make what is missing without asking.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print what is missing as one JSON object; makes it with --yes only."
)
@click.pass_context
def setup(context: click.Context, entities: tuple[str, ...], config: t.Any, *, yes: bool, as_json: bool) -> None:
    """Make the custom fields a load needs: the external ID field, and those of the setting custom_fields.

    Shows what is missing and asks first. Makes fields and adds options; never renames, changes or deletes what is
    there. The exit code is 1 when something stands in the way or the answer is no.
    """
    try:
        settings = read_settings(TargetPipedrive, config)
        wanted = wanted_fields(settings, entities)
        client = connect(settings)
        try:
            maker = Maker(client, quiet if as_json else click.echo)
            missing = maker.examine(wanted)
            done = show_and_make(
                {entity: missing[entity] for entity in HOLDERS if entity in missing},
                lambda entity: maker.make(entity, [one for one in wanted if one.entity == entity]),
                service="Pipedrive",
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
    for field in one.fields:
        yield str(field)
    for field, _, labels in one.options:
        yield f"{entity}: {field.label}, options {', '.join(labels)}"


def _report(one: Lacking) -> dict[str, t.Any]:
    return {
        "fields": [{"label": field.label, "type": field.type, "options": list(field.options)} for field in one.fields],
        "options": {field.label: list(labels) for field, _, labels in one.options},
    }
