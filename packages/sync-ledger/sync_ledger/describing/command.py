"""The command `describe`, which every target has."""

from __future__ import annotations

import json
import typing as t

import click

from sync_ledger.adapter import HasChosenEntities
from sync_ledger.cli.connecting import ENVIRONMENT, configured
from sync_ledger.describing.snapshot import snapshot
from sync_ledger.errors import ConfigError, SyncError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_ledger.adapter import Destination
    from sync_ledger.fields import EntityDescription
    from sync_ledger.target import UpsertTarget


def describe_command(kind: type[UpsertTarget]) -> click.Command:
    """Return the command of a target."""

    @click.command(name=f"{kind.name} describe")
    @click.option(
        "--config",
        multiple=True,
        default=(ENVIRONMENT,),
        help="Settings: a JSON file, or 'ENV' for environment variables (the default); several are merged.",
    )
    @click.option("--entity", "entities", multiple=True, help="Only this entity; may be given several times.")
    @click.option("--json", "_as_json", is_flag=True, help="Print JSON, which this command does in any case.")
    @click.pass_context
    def describe(context: click.Context, config: tuple[str, ...], entities: tuple[str, ...], *, _as_json: bool) -> None:
        """Print the fields the service has now as JSON: a snapshot that mappings can be checked against.

        Reads metadata only, writes nothing and opens no ledger. People among the options, such as owners, are left out.
        """
        try:
            found = _describe(kind, config, entities)
        except SyncError as error:
            click.echo(f"Error: {error}", err=True)
            context.exit(1)
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))

    return describe


def _describe(kind: type[UpsertTarget], config: Sequence[str], wanted: Sequence[str]) -> dict[str, t.Any]:
    destination = configured(kind, config).destination
    try:
        unknown = [name for name in wanted if name not in destination.entities]
        if unknown:
            raise ConfigError(
                f"{kind.name} knows no entity {', '.join(unknown)}; there are {', '.join(destination.entities)}"
            )
        return snapshot(kind.name, destination.name, list(_descriptions(destination, wanted)))
    finally:
        destination.close()


def _descriptions(destination: Destination, wanted: Sequence[str]) -> Iterator[EntityDescription]:
    """Describe the entities wanted, or all that the account is ready for, of those a load is about.

    Raises:
        ConfigError: If one that is wanted by name, or every one, cannot be written.
    """
    refused: ConfigError | None = None
    described = False
    usual = destination.chosen if isinstance(destination, HasChosenEntities) else destination.entities
    for name in destination.entities:
        if name not in (wanted or usual):
            continue
        try:
            yield destination.entity(name).describe()
            described = True
        except ConfigError as error:
            if wanted:
                raise
            click.echo(f"Left out: {error}", err=True)
            refused = error
    if refused is not None and not described:
        raise refused
