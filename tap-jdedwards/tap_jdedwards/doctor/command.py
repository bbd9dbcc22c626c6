"""The command ``tap-jdedwards doctor``."""

from __future__ import annotations

from typing import Any

import click
from doctor_findings import tell

from tap_jdedwards.doctor.examination import examine
from tap_jdedwards.failures import one_line_errors
from tap_jdedwards.tap import TapJDEdwards


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
        code = tell(examine(config), as_json=as_json, echo=click.echo)
    context.exit(code)
