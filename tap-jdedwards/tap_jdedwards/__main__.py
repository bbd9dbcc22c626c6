"""The command line: the tap, and ``tap-jdedwards doctor`` beside it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the tap, or the doctor when that is the first argument."""
    if sys.argv[1:2] == ["doctor"]:
        from tap_jdedwards.doctor.command import doctor  # noqa: PLC0415 -- runs of the tap do not need it

        doctor(sys.argv[2:], prog_name="tap-jdedwards doctor")
        return
    from tap_jdedwards.tap import TapJDEdwards  # noqa: PLC0415 -- likewise

    TapJDEdwards.cli()


if __name__ == "__main__":
    main()
