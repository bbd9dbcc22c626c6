"""The command line: the target, and the commands `doctor`, `setup` and `describe` of `target-zoho` beside it."""

from __future__ import annotations

import typing as t

from sync_ledger.commands import run

COMMANDS: t.Final = {"doctor": "target_zoho.doctor.command:doctor", "setup": "target_zoho.setup.command:setup"}


def main() -> None:
    """Run the target, or the command that is the first argument."""
    run("target-zoho", "target_zoho.target:TargetZoho", COMMANDS)


if __name__ == "__main__":
    main()
