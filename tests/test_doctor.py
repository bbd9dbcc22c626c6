"""The doctor and other commands through Meltano, with the settings of the project and of the environment."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from suite import Suite

DOCTOR = ("meltano", "invoke", "tap-jdedwards:doctor")


def test_the_doctor_finds_a_right_set_up_right(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=5, contacts=5)
    done = suite.call(*DOCTOR)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TAPUSER signed on to environment JDV920, role *ALL" in done.stdout
    assert "table F03012" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("0 failed")
    assert suite.jde.password not in done.stdout + done.stderr


def test_the_doctor_names_what_fails_and_takes_further_arguments(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=5, contacts=5)
    suite.settings["TAP_JDEDWARDS_TABLES"] = '["F9999"]'
    done = suite.call(*DOCTOR, "--json")
    assert done.returncode != 0
    assert '"check": "table F9999"' in done.stdout
    assert "Traceback" not in done.stderr


def test_the_commands_of_the_target_get_what_stands_in_the_project(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=2, contacts=2)
    made = suite.call("meltano", "invoke", "target-pipedrive:setup", "--yes")
    assert made.returncode == 0, made.stdout + made.stderr
    done = suite.call("meltano", "invoke", "target-pipedrive:doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "JDE Number and all fields of the settings are there" in done.stdout
    suite.call("meltano", "run", "tap-jdedwards", "jde-to-pipedrive", "target-pipedrive")
    compared = suite.call("meltano", "invoke", "target-pipedrive:verify")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "organizations" in compared.stdout
