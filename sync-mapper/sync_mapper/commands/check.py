"""`sync-mapper check`: what is wrong with a mapping, before a run."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from importlib.resources import files

import click

from sync_mapper.checking import catalog as catalogs
from sync_mapper.checking import destination as destinations
from sync_mapper.checking.checker import check as run_checks
from sync_mapper.checking.findings import Severity
from sync_mapper.checking.source import read
from sync_mapper.commands.errors import one_line_errors

if t.TYPE_CHECKING:
    from sync_mapper.checking.findings import Finding

SCHEMA_FILE = "mapping.schema.json"


@click.command(name="check")
@click.argument("file", required=False)
@click.option("--catalog", metavar="FILE", help="Catalog of the tap, as `tap-x --discover` prints it.")
@click.option("--tap", metavar="COMMAND", help="Command line of the tap; it is run with --discover.")
@click.option(
    "--destination",
    metavar="FILE|TARGET",
    help="Fields of the destination: a file with what `target-x describe` printed, or the target to ask.",
)
@click.option("--unused", is_flag=True, help="Also note the fields of mapped streams that no map reads.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of mapping files, for editors.")
@click.pass_context
def check(
    context: click.Context,
    file: str | None,
    catalog: str | None,
    tap: str | None,
    destination: str | None,
    *,
    unused: bool,
    as_json: bool,
    schema: bool,
) -> None:
    """Check the mapping in FILE: names, fields, types, nulls, keys, and the fields of the destination.

    The exit code is 0 if nothing is wrong, 1 if something is, and 2 if nothing could be checked.
    """
    if schema:
        click.echo(schema_text(), nl=False)
        return
    if file is None:
        raise click.UsageError("Name the mapping file to check")
    if catalog and tap:
        raise click.UsageError("Give --catalog or --tap, not both")
    if destination and not (catalog or tap):
        raise click.UsageError("--destination needs --catalog or --tap: what goes there depends on the source")
    with one_line_errors():
        source = read(file)
        known = catalogs.read(catalog) if catalog else catalogs.discover(tap) if tap else None
        target = destinations.load(destination) if destination else None
    findings = run_checks(source, known, target, unused=unused)
    wrong = [finding for finding in findings if finding.severity is not Severity.NOTE]
    click.echo(_as_json(findings) if as_json else _as_text(findings))
    if known is None and not as_json:
        told = "Fields, types, nulls and keys were not checked: give the tap's catalog with --catalog or --tap"
        click.echo(told, err=True)
    context.exit(1 if wrong else 0)


def schema_text() -> str:
    """Return the JSON Schema of mapping files."""
    return files("sync_mapper").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


def _as_json(findings: list[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    result = {
        "findings": [finding.as_json() for finding in findings],
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
    }
    return json.dumps(result, indent=2, ensure_ascii=False)


def _as_text(findings: list[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    wrong = [_counted(counts[kind], kind.value) for kind in (Severity.ERROR, Severity.WARNING) if counts[kind]]
    return "\n".join([*map(str, findings), ", ".join(wrong) or "Nothing wrong found"])


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
