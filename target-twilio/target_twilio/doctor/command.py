"""The command `target-twilio doctor`."""

from __future__ import annotations

import typing as t

import click
from doctor_findings import tell

from target_twilio.doctor.examination import examine
from target_twilio.target import TargetTwilio


@click.command(name="target-twilio doctor")
@click.option(
    "--config",
    multiple=True,
    default=("ENV",),
    callback=TargetTwilio.cb_config,
    help="Configuration file, or 'ENV' for environment variables (the default); several are merged.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.pass_context
def doctor(context: click.Context, config: t.Any, *, as_json: bool) -> None:
    """Try everything a run needs: alert file, ledger, accounts, senders, callbacks; say what is wrong and what helps.

    Sends nothing to anybody. The exit code is 1 when a check has failed.
    """
    context.exit(tell(examine(config), as_json=as_json, echo=click.echo))
