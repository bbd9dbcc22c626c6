"""`alerts check`, `alerts schema` and `alerts test`: alert files, without settings, ledger or network."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from pathlib import Path  # noqa: TC003 - typer reads it

import msgspec
import typer
from alert_rules.checking import check as check_files
from alert_rules.checking.checker import fields_of
from alert_rules.errors import RulesError
from alert_rules.reference import reference
from alert_rules.schema import SCHEMA_FILE
from sync_ledger.alerts.cases import run_cases

from target_twilio.commands.common import console, print_json, table
from target_twilio.commands.options import JsonOption  # noqa: TC001 - typer reads it

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from alert_rules.checking import Checked, Estimate


Files = t.Annotated[list[str], typer.Argument(help="Alert files, or folders of them.")]


def check(
    files: Files,
    catalog: t.Annotated[
        Path | None, typer.Option(help="Catalog of the tap (`tap-jdedwards --discover`): streams and their fields.")
    ] = None,
    rows: t.Annotated[
        Path | None, typer.Option(help="Sample rows: Singer messages, or objects with `stream` and `record`, by line.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Check alert files: form, expressions, texts, routes; with a catalog their fields, with rows what they come to."""
    fields = fields_of(_read(catalog)) if catalog is not None else None
    checked = check_files(files, fields=fields, rows=_sample(rows) if rows is not None else None)
    if as_json:
        print_json(
            {
                "ok": checked.ok,
                "rules": checked.rules,
                "findings": checked.findings,
                "estimates": {name: _estimate(one) for name, one in checked.estimates.items()},
            }
        )
    else:
        _tell(checked)
    raise typer.Exit(0 if checked.ok else 1)


def schema(
    *,
    markdown: t.Annotated[bool, typer.Option("--markdown", help="Print tables for people instead.")] = False,
) -> None:
    """Print the JSON Schema of alert files, for editors that complete and underline."""
    typer.echo(reference() if markdown else SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)


def run_tests(
    files: t.Annotated[list[str], typer.Argument(help="Files of cases.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Run cases: rows over time with a clock, and the messages that have to come of them. Nothing is sent."""
    results = [(name, result) for name in files for result in run_cases(name)]
    failed = [result for _, result in results if result.differences]
    if as_json:
        print_json({"ok": not failed, "cases": [{"file": name, "case": one} for name, one in results]})
    else:
        for name, result in results:
            typer.echo(f"{'FAILED' if result.differences else 'ok    '} {name}: {result.name}")
            for difference in result.differences:
                typer.echo("\n".join(f"         {line}" for line in difference.splitlines()))
        typer.echo(f"{len(results)} cases, {len(failed)} failed")
    raise typer.Exit(1 if failed or not results else 0)


def _tell(checked: Checked) -> None:
    for finding in checked.findings:
        typer.echo(finding)
    if checked.estimates:
        made = table("rule", "rows", "matching", "held", "messages", "segments", "longest", title="On the sample rows")
        for name, one in checked.estimates.items():
            messages = ", ".join(f"{number} {channel}" for channel, number in one.messages.items())
            held, matching, rows = str(one.held), str(one.matching), str(one.rows)
            made.add_row(name, rows, matching, held, messages, str(one.segments), f"{one.longest} segments")
        console().print(made)
    errors = sum(finding.severity.value == "error" for finding in checked.findings)
    warnings = len(checked.findings) - errors
    typer.echo(f"{checked.rules} rules, {errors} errors, {warnings} warnings")


def _estimate(one: Estimate) -> Mapping[str, t.Any]:
    return {
        "rows": one.rows,
        "matching": one.matching,
        "held": one.held,
        "messages": dict(one.messages),
        "segments": one.segments,
        "longest": one.longest,
    }


def _read(path: Path) -> t.Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise RulesError(f"{path} is no JSON: {error}") from error


def _sample(path: Path) -> dict[str, list[dict[str, t.Any]]]:
    """Return the rows of a file by stream."""
    found: dict[str, list[dict[str, t.Any]]] = defaultdict(list)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            message = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise RulesError(f"{path}:{number}:1: no JSON: {error}") from error
        if not isinstance(message, dict):
            raise RulesError(f"{path}:{number}:1: neither a Singer message nor an object with `stream` and `record`")
        if message.get("type", "RECORD") == "RECORD":
            stream, record = message.get("stream"), message.get("record")
            if not isinstance(stream, str) or not isinstance(record, dict):
                raise RulesError(f"{path}:{number}:1: a row needs `stream` and `record`")
            found[stream].append(record)
    return dict(found)
