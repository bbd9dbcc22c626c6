"""The command line: the target, and the commands of `target-twilio` beside it."""

from __future__ import annotations

import sys
import typing as t

from sync_ledger.commands import run

COMMANDS: t.Final = {"doctor": "target_twilio.doctor.command:doctor"}
ALERTS: t.Final = frozenset(
    {"ack", "check", "discard", "explain", "listen", "messages", "release", "schema", "show", "test", "tick"}
)
"""Commands of `alerts` that are the target's too: Meltano runs commands of a plug-in by the plug-in's own name."""


def main() -> None:
    """Run the target, or the command that is the first argument."""
    if sys.argv[1:2] and sys.argv[1] in ALERTS:
        from target_twilio.cli import main as alerts  # noqa: PLC0415 - runs of the target do not need it

        alerts(sys.argv[1:])
        return
    run("target-twilio", "target_twilio.target:TargetTwilio", COMMANDS)


if __name__ == "__main__":
    main()
