"""Passwords and tokens in an encrypted file, from the command that makes it to a run through Meltano."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suite import Suite


@pytest.mark.slow
def test_a_run_through_meltano_with_all_secrets_elsewhere(suite_of: Callable[..., Suite], tmp_path: Path) -> None:
    suite = suite_of(customers=5, contacts=5)
    vault = tmp_path / "vault.age"
    for *command, secret in (
        ["init", ""],
        ["set", "jde", suite.jde.password],
        ["set", "pipedrive", suite.pipedrive.api_token],
    ):
        done = suite.call("secret-references", f"--file={vault}", *command, input=secret)
        assert done.returncode == 0, done.stderr
    suite.settings.update(
        {
            "TAP_JDEDWARDS_PASSWORD": f"age:{vault}#jde",
            "TARGET_PIPEDRIVE_API_TOKEN": f"age:{vault}#pipedrive",
            "TARGET_PIPEDRIVE_LEDGER_URL": "env:THE_LEDGER",
            "SYNC_LEDGER_URL": "env:THE_LEDGER",
            "THE_LEDGER": suite.ledger_url,
        }
    )
    done = suite.call("meltano", "--log-level=debug", "run", "tap-jdedwards", "jde-to-pipedrive", "target-pipedrive")
    assert done.returncode == 0, done.stdout + done.stderr
    [run] = suite.runs()
    assert run["outcomes"] == {"created": run["rows"]}
    shown = done.stdout + done.stderr
    for plugin in ("tap-jdedwards", "target-pipedrive"):
        told = suite.call("meltano", "config", "--unsafe", "print", plugin)
        assert told.returncode == 0, told.stderr
        assert f"age:{vault}#" in told.stdout
        shown += told.stdout + told.stderr
    # Everything the run left behind: state, logs, runs of plug-ins, ledger.
    shown += "".join(file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file())
    for secret in (suite.jde.password, suite.pipedrive.api_token):
        assert secret not in shown


def test_a_reference_that_leads_nowhere_stops_the_target_before_it_does_anything(
    suite_of: Callable[..., Suite],
) -> None:
    suite = suite_of(customers=1, contacts=0)
    suite.settings["TARGET_PIPEDRIVE_API_TOKEN"] = "age:nowhere.age#pipedrive"
    done = suite.call("target-pipedrive", "--config=ENV", input="")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "setting api_token: age:nowhere.age#pipedrive: the identity" in done.stderr
    assert suite.pipedrive.control.counters()["requests"] == 0
