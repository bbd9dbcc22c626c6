"""The command `target-dynamics doctor`."""

from __future__ import annotations

import typing as t

import click
from doctor_findings import tell

from target_dynamics.doctor.examination import examine
from target_dynamics.target import TargetDynamics


@click.command(name="target-dynamics doctor")
@click.option(
    "--config",
    multiple=True,
    default=("ENV",),
    callback=TargetDynamics.cb_config,
    help="Configuration file, or 'ENV' for environment variables (the default); several are merged.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.pass_context
def doctor(context: click.Context, config: t.Any, *, as_json: bool) -> None:
    """Try everything a load needs: sign-in, environment, privileges, tables, columns, keys, limits; say what is wrong.

    Says what helps, and writes nothing. The exit code is 1 when a check has failed.
    """
    context.exit(tell(examine(config), as_json=as_json, echo=click.echo))
