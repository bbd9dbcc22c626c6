"""The command `sync-mapper test`: cases for mappings."""

from __future__ import annotations

import typing as t
from pathlib import Path

import click

from sync_mapper import mapping_file
from sync_mapper.commands.errors import one_line_errors
from sync_mapper.rehearsal import case_file, report, running, updating
from sync_mapper.rehearsal.coverage import Coverage

if t.TYPE_CHECKING:
    from sync_mapper.rehearsal.case_file import CaseFile
    from sync_mapper.rehearsal.running import Result

_PLACE = "mappings/tests"


@click.command(name="test")
@click.argument("names", nargs=-1, metavar="[FILE|FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON object.")
@click.option(
    "--min-coverage", type=click.IntRange(0, 100), metavar="PERCENT", help="Fail if fewer properties are shown."
)
@click.option("--update", is_flag=True, help="Write what the mapping gives into the files, as what is expected.")
@click.option(
    "--record", type=click.Path(dir_okay=False, path_type=Path), help="Make a case file of real rows, masked."
)
@click.option("--mapping", metavar="FILE", help="With --record: the mapping file the cases are for.")
@click.option("--tap", metavar="COMMAND", help="With --record: command of the tap to read rows from.")
@click.option("--input", "messages", metavar="FILE", help="With --record: file of Singer messages to read rows from.")
@click.option(
    "--rows", type=click.IntRange(1), default=5, show_default=True, help="With --record: rows of each stream."
)
@click.option("--seed", default="", help="With --record: text that decides how values are masked.")
@click.option("--force", is_flag=True, help="With --record: write over a file that is there.")
@click.pass_context
def test(context: click.Context, /, **options: t.Any) -> None:
    """Run the cases of case files: rows in, payloads out, no network.

    Without FILE or FOLDER the folder mappings/tests is taken. The exit code is 1 when a case fails or fewer properties
    are shown than --min-coverage asks for, 2 when the command cannot do what it is told.
    """
    with one_line_errors():
        if options["record"]:
            _record(context, options)
            return
        for name in ("mapping", "tap", "messages"):
            if options[name]:
                raise click.UsageError(f"--{'input' if name == 'messages' else name} goes with --record")
        context.exit(_run(options["names"] or (_PLACE,), options))


def _run(names: tuple[str, ...], options: dict[str, t.Any]) -> int:
    files = [case_file.read(path) for path in case_file.find(names)]
    results, coverages = _results(files)
    if options["update"]:
        changed = sum(updating.update(file, cases) for file, cases in results)
        click.echo(f"{changed} case{'s' if changed != 1 else ''} rewritten", err=True)
        results, coverages = _results([case_file.read(file.path) for file in files])
    fewest = options["min_coverage"]
    if options["as_json"]:
        click.echo(report.as_json(results, coverages))
    else:
        for line in report.lines(results, coverages, fewest):
            click.echo(line)
    passed = all(result.passed for _, cases in results for result in cases)
    enough = fewest is None or all(coverage.percent >= fewest for coverage in coverages.values())
    return 0 if passed and enough else 1


def _results(files: list[CaseFile]) -> tuple[list[tuple[CaseFile, list[Result]]], dict[Path, Coverage]]:
    coverages: dict[Path, Coverage] = {}
    results = []
    for file in files:
        coverage = coverages.get(file.mapping)
        if coverage is None:
            coverage = coverages[file.mapping] = Coverage(mapping_file.read(str(file.mapping)))
        results.append((file, list(running.run(file, coverage))))
    return results, coverages


def _record(context: click.Context, options: dict[str, t.Any]) -> None:
    from sync_mapper.rehearsal import recording  # noqa: PLC0415 - running cases does not need it

    if not options["mapping"] or bool(options["tap"]) == bool(options["messages"]):
        raise click.UsageError("--record needs --mapping FILE and one of --tap COMMAND and --input FILE")
    if options["names"] or options["update"]:
        raise click.UsageError("--record makes a file of its own; it takes neither FILE nor --update")
    written = recording.record(
        options["record"],
        mapping=Path(options["mapping"]),
        tap=options["tap"],
        messages=options["messages"],
        rows=options["rows"],
        seed=options["seed"],
        force=options["force"],
    )
    for line in written:
        click.echo(line)
    context.exit(0)
