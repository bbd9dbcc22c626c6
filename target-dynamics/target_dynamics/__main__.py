"""The command line: the target, and the commands `doctor`, `setup` and `describe` of `target-dynamics` beside it."""

from __future__ import annotations

import typing as t

from sync_ledger.commands import run

COMMANDS: t.Final = {"doctor": "target_dynamics.doctor.command:doctor", "setup": "target_dynamics.setup.command:setup"}


def main() -> None:
    """Run the target, or the command that is the first argument."""
    run("target-dynamics", "target_dynamics.target:TargetDynamics", COMMANDS)


if __name__ == "__main__":
    main()
