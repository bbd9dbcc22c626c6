"""The pipeline as users run it: `meltano run`, state and history."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from suite import Suite

RUN = ("meltano", "run", "tap-jdedwards", "jde-to-pipedrive", "target-pipedrive")


@pytest.mark.slow
def test_first_run_creates_second_writes_nothing_third_updates_what_changed(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=60, contacts=90)
    assert suite.call(*RUN).returncode == 0
    assert sorted(suite.numbers_at_pipedrive("organizations")) == sorted(suite.customers())
    persons = suite.pipedrive.control.records("persons")
    assert len(persons) == 90
    assert all(person["org_id"] for person in persons)

    suite.pipedrive.control.reset_counters()
    assert suite.call(*RUN).returncode == 0
    assert suite.pipedrive.control.counters()["writes"] == 0

    number = next(
        str(row["AN8"])
        for row in suite.jde.control.rows("F03012", where={"CO": "00000"})
        if not row["HOLD"].strip() and row["CUSTS"].strip() != "1"
    )
    suite.jde.control.update_rows("F03012", where={"AN8": int(number), "CO": "00000"}, values={"HOLD": "C1"})
    assert suite.call(*RUN).returncode == 0
    assert suite.pipedrive.control.counters()["writes"] == 1
    life = json.loads(suite.call("sync-ledger", "why", "organizations", number, "--json").stdout)
    assert life["outcomes"][-1]["changes"].keys() == {"JDE Status", "Hold Reason"}
    record = next(
        item
        for item in suite.pipedrive.control.records("organizations")
        if item["custom_fields"]["JDE Number"] == number
    )
    assert record["custom_fields"]["JDE Status"] == "On hold"

    runs = suite.runs()
    assert [run["status"] for run in runs] == ["succeeded"] * 3
    assert all(sum(run["outcomes"].values()) == run["rows"] + run["replayed"] for run in runs)

    state = json.loads(suite.call("meltano", "state", "get", "demo:tap-jdedwards-to-target-pipedrive").stdout)
    bookmarks = state["singer_state"]["bookmarks"]
    assert set(bookmarks) == {"customers", "contacts"}
    for bookmark in bookmarks.values():
        assert bookmark["replication_key"] == "UPMJ"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", bookmark["replication_key_value"])


def test_meltano_yml_is_valid(suite_of: Callable[..., Suite]) -> None:
    done = suite_of(customers=1, contacts=0).call("meltano", "compile", "--lint")
    assert done.returncode == 0, done.stderr
