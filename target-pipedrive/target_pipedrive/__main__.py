"""The command line: the target, and the commands `doctor`, `setup` and `describe` of `target-pipedrive` beside it."""

from __future__ import annotations

import typing as t

from sync_ledger.commands import run

COMMANDS: t.Final = {
    "doctor": "target_pipedrive.doctor.command:doctor",
    "setup": "target_pipedrive.setup.command:setup",
}


def main() -> None:
    """Run the target, or the command that is the first argument."""
    run("target-pipedrive", "target_pipedrive.target:TargetPipedrive", COMMANDS)


if __name__ == "__main__":
    main()
