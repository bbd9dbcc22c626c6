"""The command ``tap-jdedwards doctor``."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tap_jdedwards.doctor.examination import examine
from tap_jdedwards.doctor.findings import Status
from tap_jdedwards.failures import one_line_errors
from tap_jdedwards.tap import TapJDEdwards

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_jdedwards.doctor.findings import Finding

_STATUS_WIDTH, _CHECK_WIDTH = 8, 16


@click.command(name="tap-jdedwards doctor")
@click.option(
    "--config",
    multiple=True,
    default=("ENV",),
    callback=TapJDEdwards.cb_config,
    help="Configuration file, or 'ENV' for environment variables (the default); several are merged.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.pass_context
def doctor(context: click.Context, config: Any, *, as_json: bool) -> None:
    """Try everything a load needs: settings, network, log-in, rights; say what is wrong and what helps.

    Reads a few rows and writes nothing. The exit code is 1 when a check has failed.
    """
    with one_line_errors(TapJDEdwards.logger):
        findings = examine(config)
        counts = _print_json(findings) if as_json else _print_text(findings)
    context.exit(1 if counts[Status.FAILED] else 0)


def _print_text(findings: Iterable[Finding]) -> Counter[Status]:
    counts: Counter[Status] = Counter()
    for finding in findings:
        counts[finding.status] += 1
        status = finding.status.value.ljust(_STATUS_WIDTH)
        click.echo(f"{status} {finding.check.ljust(_CHECK_WIDTH)} {finding.text}")
        if finding.remedy:
            click.echo(f"{'':{_STATUS_WIDTH + _CHECK_WIDTH + 1}} → {finding.remedy}")
    told = ", ".join(f"{counts[status]} {status.value}" for status in Status)
    click.echo(f"\n{told}{'; what needs the failed ones was left out' if counts[Status.FAILED] else ''}")
    return counts


def _print_json(findings: Iterable[Finding]) -> Counter[Status]:
    found = list(findings)
    counts = Counter(finding.status for finding in found)
    report = {**{status.value: counts[status] for status in Status}, "findings": [asdict(one) for one in found]}
    click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    return counts
