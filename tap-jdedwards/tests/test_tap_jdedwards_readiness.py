"""What does not fit is told in one line before anything is read, and not once for each stream."""

from __future__ import annotations

import logging

import pytest
from service_emulators.testing import start_jde
from tap_jdedwards.readiness import check_readiness
from tap_jdedwards.settings import SettingsError, TapSettings


@pytest.fixture(scope="module")
def small(runner_of):
    with start_jde(customers=3, contacts=0) as emulator:
        yield runner_of(emulator)


@pytest.fixture
def check(small, caplog):
    """Checks a tap and returns its warnings."""

    def warnings(**options):
        caplog.clear()
        tap = small.tap(**{"tables": ["F0101", "F0115"], **options})
        try:
            check_readiness(tap)
        finally:
            tap.close()
        return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    return warnings


@pytest.fixture(scope="module")
def catalog(small):
    tap = small.tap(tables=["F0101", "F0115"])
    tap.close()
    return tap.catalog_dict


def with_streams(catalog, **names):
    return {
        "streams": [
            {**one, "tap_stream_id": names.get(one["tap_stream_id"], one["tap_stream_id"])}
            for one in catalog["streams"]
        ]
    }


def test_a_run_as_it_should_be_warns_of_nothing(check, catalog, tmp_path):
    state = {"bookmarks": {"F0101": {"replication_key_value": "2026-11-20"}}}
    assert check(catalog=catalog, state=state, detect_deletes="keys", keys_path=str(tmp_path / "a" / "b")) == []


def test_names_of_the_catalog(check, catalog):
    (line,) = check(catalog=with_streams(catalog, F0115="f0115"))
    assert line == "The catalog has f0115, which is no stream on offer; did you mean F0115?"
    with pytest.raises(SettingsError, match=r"none of the streams on offer \(F0101, F0115\), but A, B; make one with"):
        check(catalog=with_streams(catalog, F0101="A", F0115="B"))


def test_names_of_the_state(check):
    (line,) = check(state={"bookmarks": {"F0O101": {"full_table": {}}, "F0115": {}}})
    assert line == "The state has F0O101, which is no stream on offer; did you mean F0101?"


def test_nothing_to_read(check, catalog):
    nothing = [
        {**one, "metadata": [{**item, "metadata": {**item["metadata"], "selected": False}} for item in one["metadata"]]}
        for one in catalog["streams"]
    ]
    assert "Nothing is read: the catalog selects no stream" in check(catalog={"streams": nothing})[0]
    assert check(tables=[]) == ["Nothing is read: the settings tables and streams are both empty"]


def test_a_foreign_state_is_one_error(check):
    entry = {"replication_key_value": "2026-11-20", "shard": {"index": 0, "of": 4}}
    with pytest.raises(SettingsError, match="written as shard 0 of 4, but the tap is to run as shard 1 of 4"):
        check(state={"bookmarks": {"F0101": entry, "F0115": entry}}, shard={"index": 1, "of": 4})


def test_a_folder_that_cannot_be_made_is_one_error(check, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"keys_path .*/file/keys cannot be made: .*; name a folder that"):
        check(detect_deletes="keys", keys_path=str(tmp_path / "file" / "keys"))


def settings(**changes):
    tap = {"ais_url": "http://127.0.0.1:9", "username": "U", "password": "P", "tables": ["F0101"], "streams": []}
    defaults = {"auth_method": "password", "device_name": "d", "table_keys": {}, "replication_columns": {}}
    defaults |= {"page_size": 1, "overlap_minutes": 1, "udc_descriptions": False, "detect_deletes": "none"}
    defaults |= {"detect_deletes_in": [], "delete_guard_percent": 1, "max_concurrency": 1, "requests_per_second": 0}
    defaults |= {"verify_tls": True, "request_timeout_seconds": 1}
    return TapSettings.from_config({**tap, **defaults, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table_keys": {"F0102": ["AN8"]}}, "table_keys names F0102, .* does not offer; did you mean F0101?"),
        ({"replication_columns": {"F9": ""}}, "replication_columns names F9, which the setting tables does not offer"),
        ({"start_date": "20.11.2026"}, "start_date must be a day like 2026-11-20, not '20.11.2026'"),
        ({"start_date": "0001-01-01"}, "start_date must lie from 1970 to 2899, not '0001-01-01'"),
        ({"password": ""}, r"the setting password is missing.* TAP_JDEDWARDS_PASSWORD .*--config=ENV"),
        ({"username": "", "password": ""}, "the settings username and password are missing"),
    ],
)
def test_settings_that_cannot_be_used(changes, words):
    with pytest.raises(SettingsError, match=words):
        settings(**changes)


def test_settings_of_tables_on_offer_pass_in_any_case():
    assert settings(table_keys={"f0101": ["AN8"]}, replication_columns={"F0101": ""}).table_keys == {"F0101": ("AN8",)}


def test_a_failure_names_its_stream_once(small, caplog):
    tap = small.tap()
    tap.note_failure("F0101", ValueError("F0101: rows came unsorted"))
    tap.close()
    assert caplog.records[-1].getMessage() == "F0101 was not read to its end: rows came unsorted"
