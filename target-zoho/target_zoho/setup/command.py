"""The command `target-zoho setup`."""

from __future__ import annotations

import typing as t

import click
from sync_ledger.commands import read_settings
from sync_ledger.errors import SyncError
from sync_ledger.set_up import quiet, show_and_make

from target_zoho import directory
from target_zoho.adapter import FIRST
from target_zoho.connecting import connect
from target_zoho.setup.making import Maker
from target_zoho.setup.wanted import wanted_fields
from target_zoho.target import TargetZoho

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_zoho.setup.wanted import Lacking


@click.command(name="target-zoho setup")
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@click.option(
    "--config",
    multiple=True,
    default=("ENV",),
    callback=TargetZoho.cb_config,
    help="Configuration file, or 'ENV' for environment variables (the default); several are merged.",
)
@click.option("--yes", is_flag=True, help="Make what is missing without asking.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print what is missing as one JSON object; makes it with --yes only."
)
@click.pass_context
def setup(context: click.Context, modules: tuple[str, ...], config: t.Any, *, yes: bool, as_json: bool) -> None:
    """Make the custom fields a load needs: the external ID field, and those of the setting custom_fields.

    Shows what is missing and asks first. Makes fields and adds picklist values; never renames, changes or deletes what
    is there. The exit code is 1 when something stands in the way or the answer is no.
    """
    try:
        settings = read_settings(TargetZoho, config)
        client = connect(settings)
        try:
            there = directory.modules(client)
            for module in FIRST:
                if module not in there and not modules:
                    click.echo(f"Left out: {module}, which Zoho does not have or show to this user", err=True)
            wanted = wanted_fields(settings, there, modules)
            maker = Maker(client, quiet if as_json else click.echo)
            done = show_and_make(
                maker.examine(wanted),
                lambda module: maker.make(module, [one for one in wanted if one.module == module]),
                service="Zoho",
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


def _lines(module: str, one: Lacking) -> Iterator[str]:
    for field in one.fields:
        yield str(field)
    for field, _, values in one.options:
        yield f"{module}: {field.label}, values {', '.join(values)}"


def _report(one: Lacking) -> dict[str, t.Any]:
    return {
        "fields": [
            {"label": field.label, "type": field.type, "unique": field.key, "options": list(field.options)}
            for field in one.fields
        ],
        "options": {field.label: list(values) for field, _, values in one.options},
    }
