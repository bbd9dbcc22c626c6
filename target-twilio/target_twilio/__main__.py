"""The command line: the target, and the commands of `target-twilio` beside it."""

from __future__ import annotations

import typing as t

from sync_ledger.commands import run

COMMANDS: t.Final[dict[str, str]] = {}


def main() -> None:
    """Run the target, or the command that is the first argument."""
    run("target-twilio", "target_twilio.target:TargetTwilio", COMMANDS)


if __name__ == "__main__":
    main()
