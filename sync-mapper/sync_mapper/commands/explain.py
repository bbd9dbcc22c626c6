"""The command `sync-mapper explain`: one row through a mapping."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import click

from sync_mapper import mapping_file, source
from sync_mapper.commands.errors import one_line_errors
from sync_mapper.errors import InputError
from sync_mapper.rehearsal import catalogs, codes, explaining
from sync_mapper.rehearsal.finding import Wanted, find
from sync_mapper.rehearsal.masking import Masker
from sync_mapper.rehearsal.rehearsing import Rehearsal


@click.command(name="explain")
@click.argument("stream", required=False)
@click.argument("key", required=False)
@click.option("--mapping", metavar="FILE", required=True, help="The mapping file.")
@click.option("--tap", metavar="COMMAND", help="Command of the tap to read the row from.")
@click.option("--input", "messages", metavar="FILE", help="File of Singer messages to read the row from.")
@click.option("--unmapped", metavar="JSON", help="A record of the stream _unmapped; @FILE reads it from a file.")
@click.option("--catalog", metavar="FILE", help="With --unmapped: the tap's catalog; else types are those of the row.")
@click.option("--mask", is_flag=True, help="Mask the values of the row, to show the explanation to others.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as one JSON object.")
@click.pass_context
def explain(context: click.Context, /, stream: str | None, key: str | None, **options: t.Any) -> None:
    """Show how a row goes through the mapping: filter, and each field with its expression, inputs and result.

    STREAM is the stream of the tap, or the one a map makes; KEY the key at the source or after mapping, as a value
    (1001) or with names (address_number=1001,contact_line=2). The exit code is 1 when the map fails on the row, 2 when
    the command cannot do what it is told.
    """
    given = [name for name in ("tap", "messages", "unmapped") if options[name]]
    if len(given) != 1:
        raise click.UsageError("give one of --tap COMMAND, --input FILE and --unmapped JSON")
    if (given != ["unmapped"]) != bool(stream and key):
        raise click.UsageError("--tap and --input need STREAM and KEY; --unmapped takes none")
    with one_line_errors():
        definition = mapping_file.read(options["mapping"])
        rehearsal = Rehearsal(Path(options["mapping"]))
        if given == ["unmapped"]:
            stream, record, names = _of_unmapped(options["unmapped"], options["catalog"], rehearsal)
        else:
            with source.messages(tap=options["tap"], file=options["messages"]) as incoming:
                stream, record, names = find(incoming, rehearsal, Wanted(str(stream), str(key)))
        if options["mask"]:
            record = Masker(codes.named_in(definition)).record(record)
        maps = [one for one in rehearsal.maps(stream) if one.map_name in names]
        source_key = {name: record.get(name) for name in rehearsal.source_key(stream)}
        told = json.dumps(source_key, ensure_ascii=False) if source_key else "(no key)"
        explanations = [explaining.explain(one, definition, record) for one in maps]
    if options["as_json"]:
        click.echo(explaining.as_json(stream, told, explanations))
    else:
        for line in explaining.lines(stream, told, explanations):
            click.echo(line)
    failed = any(step.error for one in explanations for step in [one.filter, *one.properties] if step)
    context.exit(1 if failed else 0)


def _of_unmapped(text: str, catalog: str | None, rehearsal: Rehearsal) -> tuple[str, dict[str, t.Any], list[str]]:
    """Return source stream, row and map of a record of `_unmapped`."""
    try:
        row = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"--unmapped: not a JSON object: {error}") from error
    if isinstance(row, dict) and row.get("type") == "RECORD":
        row = row.get("record")
    if not isinstance(row, dict) or not isinstance(row.get("record"), dict) or not row.get("source_stream"):
        raise InputError("--unmapped: a record of _unmapped has source_stream, record and key at least")
    stream, record = row["source_stream"], row["record"]
    known = catalogs.read(Path(catalog)).get(stream) if catalog else None
    if catalog and known is None:
        raise InputError(f"--catalog: {catalog} has no stream {stream}")
    rehearsal.begin(stream, known or catalogs.SourceStream(catalogs.of_rows([record]).schema, _key_names(row)))
    names = [one.map_name for one in rehearsal.maps(stream) if row.get("map") in {None, one.map_name}]
    if not names:
        raise InputError(f"--unmapped: no map of the mapping is for the stream {stream}")
    return stream, record, names


def _key_names(row: dict[str, t.Any]) -> list[str]:
    """Return the names in the key of a record of `_unmapped`, as far as the row has them."""
    try:
        key = json.loads(row.get("key") or "{}")
    except json.JSONDecodeError:
        return []
    return [name for name in key if name in row["record"]] if isinstance(key, dict) else []
