"""The command line: the target, and the commands `doctor`, `setup` and `describe` of `target-pipedrive` beside it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the target, or the command that is the first argument."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name == "doctor":
        from target_pipedrive.doctor.command import doctor  # noqa: PLC0415 - runs of the target do not need it

        doctor(sys.argv[2:], prog_name="target-pipedrive doctor")
        return
    if name == "setup":
        from target_pipedrive.setup.command import setup  # noqa: PLC0415 - likewise

        setup(sys.argv[2:], prog_name="target-pipedrive setup")
        return
    from target_pipedrive.target import TargetPipedrive  # noqa: PLC0415 - likewise

    if name == "describe":
        from sync_ledger.describing import describe_command  # noqa: PLC0415 - likewise

        describe_command(TargetPipedrive)(sys.argv[2:], prog_name="target-pipedrive describe")
        return
    TargetPipedrive.cli()


if __name__ == "__main__":
    main()
