"""The command `alerts`."""

from __future__ import annotations

import logging
import sys

import typer
from alert_rules.errors import BadRowError, BadValueError, RulesError
from sqlalchemy.exc import SQLAlchemyError
from sync_ledger.commands import SettingsError
from sync_ledger.errors import SyncError
from sync_ledger.ledger.database import said

from target_twilio.commands import acting, files, listening, looking

app = typer.Typer(
    name="alerts",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Try alert files out, look at what became of alerts and messages, and act on them.",
)
app.command()(files.check)
app.command()(files.schema)
app.command("test")(files.run_tests)
app.command()(looking.explain)
app.command()(looking.show)
app.command()(looking.messages)
app.add_typer(acting.silence_app, name="silence")
app.command()(acting.ack)
app.command()(acting.release)
app.command()(acting.discard)
app.command()(acting.tick)
app.command()(listening.listen)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; what is wrong is told in lines for people, with exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        app(arguments, standalone_mode=True)
    except RulesError as error:
        _fail(*error.problems)
    except (BadValueError, BadRowError) as error:
        _fail(f"{error}; {error.remedy}" if error.remedy else str(error))
    except SettingsError as error:
        _fail(*(f"Setting: {problem}" for problem in error.problems))
    except SyncError as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        _fail(f"The ledger cannot be used: {said(error)}")


def _fail(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201
    sys.exit(1)


if __name__ == "__main__":
    main()
