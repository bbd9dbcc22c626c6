"""`sync-mapper test` and `explain` with the tap: recording, explaining, and the catalog the shipped cases rest on."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from suite import BIN, MAPPING, ROOT
from sync_mapper.rehearsal.case_file import load
from sync_mapper.rehearsal.codes import texts_of

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from suite import Suite

TAP = f"{BIN}/tap-jdedwards --config=ENV"


def described(suite: Suite) -> Suite:
    suite.settings |= {"TAP_JDEDWARDS_TABLES": "[]", "TAP_JDEDWARDS_UDC_DESCRIPTIONS": "true"}
    return suite


def test_cases_are_recorded_from_the_tap_without_a_name_a_phone_or_a_mail_of_anybody(
    suite_of: Callable[..., Suite],
) -> None:
    suite = described(suite_of(customers=60, contacts=90))
    file = suite.home / "recorded.yml"
    done = suite.call("sync-mapper", "test", "--record", str(file), "--mapping", str(MAPPING), "--tap", TAP)
    assert done.returncode == 0, done.stderr
    done = suite.call("sync-mapper", "test", str(file), "--min-coverage", "95")
    assert done.returncode == 0, done.stdout

    texts = texts_of(load(file.read_text(), file.name)[1])
    control = suite.jde.control
    for table, columns in {
        "F0101": ("AN8", "ALPH", "TAX", "ALKY"),
        "F0111": ("MLNM", "ALPH", "GNNM", "SRNM"),
        "F0115": ("PH1",),
        "F01151": ("EMAL",),
        "F0116": ("ADD1", "ADD2", "ADD3", "ADD4", "CTY1", "ADDZ"),
    }.items():
        real = {str(row[column]).strip() for row in control.rows(table) for column in columns if row[column]}
        assert not {text for text in real & texts if len(text) > 3}, table
    assert "@" in file.read_text()
    assert set(re.findall(r"@[\w.-]+\.(\w+)", file.read_text())) == {"example"}


def test_a_row_is_explained_from_the_tap_which_is_then_ended_in_order(suite_of: Callable[..., Suite]) -> None:
    suite = described(suite_of(customers=200, contacts=300))
    number = max(suite.customers(), key=int)
    for stream, key in (("organizations", number), ("customers", f"address_number={number}")):
        done = suite.call("sync-mapper", "explain", stream, key, "--mapping", str(MAPPING), "--tap", TAP, "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["maps"][0]["key"] == {"external_id": number}
        name = next(step for step in told["maps"][0]["properties"] if step["name"] == "name")
        assert name["result"] == suite.jde.control.rows("F0101", where={"AN8": int(number)})[0]["ALPH"].strip()
    assert suite.jde.emulator.sessions.expire_all() == 0, "the tap was ended without logging out"


@pytest.mark.parametrize("name", ["jde.catalog.json", "jde-alerts.catalog.json"])
def test_the_shipped_cases_rest_on_what_the_tap_discovers(suite_of: Callable[..., Suite], name: str) -> None:
    suite = described(suite_of(customers=1, contacts=0))
    kept = json.loads((ROOT / "mappings" / "tests" / name).read_text())["streams"]
    suite.settings["TAP_JDEDWARDS_STREAMS"] = json.dumps([stream["tap_stream_id"] for stream in kept])
    done = suite.call("tap-jdedwards", "--config=ENV", "--discover")
    assert done.returncode == 0, done.stderr
    discovered = {stream["tap_stream_id"]: stream for stream in json.loads(done.stdout)["streams"]}
    for stream in kept:
        found = discovered[stream["tap_stream_id"]]
        assert stream["schema"]["properties"] == found["schema"]["properties"]
        assert stream["key_properties"] == found["key_properties"]


def checked(suite: Suite, tap: str, target: str) -> tuple[int, list[dict[str, t.Any]]]:
    done = suite.call("sync-mapper", "check", str(MAPPING), "--tap", tap, "--destination", target, "--json")
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def test_nothing_is_wrong_with_the_shipped_mapping_for_tap_and_target_as_they_are(
    suite_of: Callable[..., Suite],
) -> None:
    suite = suite_of(customers=1, contacts=0)
    # As meltano.yml sets them; the commands alone do not know its settings.
    assert checked(suite, "meltano invoke tap-jdedwards", "meltano invoke target-pipedrive") == (0, [])
    alone = checked(suite, TAP, f"{BIN}/target-pipedrive")
    assert (alone[0], {finding["severity"] for finding in alone[1]}) == (0, {"note"})
    assert {finding["code"] for finding in alone[1]} == {"absent_field"}
    assert all("_description`" in finding["message"] for finding in alone[1])
    assert checked(described(suite), TAP, f"{BIN}/target-pipedrive") == (0, [])
