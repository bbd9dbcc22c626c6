"""What is given on the command line is checked before anything is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from singer_sdk.exceptions import ConfigValidationError
from tap_jdedwards.failures import in_plain_words
from tap_jdedwards.inputs import check_environment, checked_catalog, checked_state, with_replication_metadata
from tap_jdedwards.settings import CONFIG_SCHEMA, SettingsError
from tap_jdedwards.tap import TapJDEdwards
from tap_jdedwards.unknown import nearest, unknown_settings, unknown_variables

PREFIX = "TAP_JDEDWARDS_"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PAGE_SIZE", "many"),
        ("PAGE_SIZE", "1.5"),
        ("OVERLAP_MINUTES", ""),
        ("VERIFY_TLS", "maybe"),
        ("VERIFY_TLS", ""),
        ("TABLES", '["F0101"'),
        ("TABLE_KEYS", "{"),
        ("TABLE_KEYS", "[]"),
    ],
)
def test_a_value_of_the_wrong_form_is_told_by_its_variable(variable, value):
    with pytest.raises(SettingsError, match=f"TAP_JDEDWARDS_{variable} must be"):
        check_environment(CONFIG_SCHEMA, PREFIX, {PREFIX + variable: value})


def test_values_of_the_right_form_pass():
    values = {
        "PAGE_SIZE": "500",
        "OVERLAP_MINUTES": "-1",  # the schema's business
        "VERIFY_TLS": "False",
        "TABLES": '["F0101", "F0115"]',
        "STREAMS": "customers,contacts",
        "TABLE_KEYS": '{"F550101": ["AN8"]}',
        "PASSWORD": "{[1",
    }
    check_environment(CONFIG_SCHEMA, PREFIX, {PREFIX + name: value for name, value in values.items()})
    check_environment(CONFIG_SCHEMA, PREFIX, {"PAGE_SIZE": "many"})


@pytest.mark.parametrize(
    "state", [3, [], "x", {"bookmarks": []}, {"bookmarks": None}, {"bookmarks": {"F0101": 1}}, {"value": {}}]
)
def test_a_state_of_another_shape_is_refused(state):
    with pytest.raises(SettingsError, match="holds no Singer state"):
        checked_state(state)


def test_no_state_and_those_of_other_taps_are_taken():
    assert checked_state(None) is None
    assert checked_state({}) is None
    other = {"bookmarks": {"users": {"replication_key_value": 7}}}
    assert checked_state(other) == other


@pytest.mark.parametrize("catalog", [None, [], {}, {"streams": {}}, {"streams": [{}]}, {"streams": ["F0101"]}])
def test_a_catalog_of_another_shape_is_refused(catalog):
    with pytest.raises(SettingsError, match="holds no Singer catalog"):
        checked_catalog(catalog)


def entry(**changes):
    whole = {
        "tap_stream_id": "F0101",
        "schema": {"type": "object", "properties": {"AN8": {"type": ["integer"]}}},
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def of_stream(**metadata):
    return entry(metadata=[{"breadcrumb": [], "metadata": metadata}])


@pytest.mark.parametrize(
    ("streams", "words"),
    [
        ([], "lists no stream"),
        ([entry(schema=None)], "entry of F0101 has no schema"),
        ([entry(schema={"type": "object"})], "entry of F0101 has no schema"),
        ([entry(metadata=None)], "entry of F0101 has no metadata"),
        ([entry(metadata=[{"breadcrumb": "", "metadata": {}}])], "entry of F0101 has no metadata"),
        ([entry(), of_stream(selected="yes")], 'has selected: "yes"; it must be true or false'),
        ([of_stream(**{"replication-method": "FULL"})], 'has replication-method: "FULL"; it must be INCREMENTAL or'),
        ([of_stream(**{"forced-replication-method": 1})], "has forced-replication-method: 1; it must be"),
        ([entry(replication_method="LOG_BASED")], 'has replication_method: "LOG_BASED"; it must be'),
    ],
)
def test_a_catalog_that_cannot_be_meant_is_refused_by_stream(streams, words):
    with pytest.raises(SettingsError, match=words):
        checked_catalog({"streams": streams})


@pytest.mark.parametrize(
    ("metadata", "method"),
    [
        ({"forced-replication-method": "FULL_TABLE"}, "FULL_TABLE"),
        ({"forced-replication-method": "INCREMENTAL"}, "as discovered"),
        ({"forced-replication-method": "FULL_TABLE", "replication-method": "INCREMENTAL"}, "INCREMENTAL"),
        ({"forced-replication-method": "INCREMENTAL", "replication-method": "FULL_TABLE"}, "FULL_TABLE"),
    ],
)
def test_the_method_of_a_stream_may_be_forced(metadata, method):
    catalog = {"streams": [{**of_stream(**metadata), "replication_method": "as discovered"}]}
    (stream,) = with_replication_metadata(catalog)["streams"]
    assert stream["replication_method"] == method


@pytest.fixture(scope="module")
def schema():
    known = {"properties": dict(CONFIG_SCHEMA["properties"])}
    TapJDEdwards.append_builtin_config(known)
    return known


def test_settings_that_do_not_exist_are_told_with_the_nearest(schema):
    known = [*schema["properties"], "flattening_enabled", "stream_maps", "faker_config"]
    assert list(unknown_settings(schema, known)) == []
    assert list(unknown_settings(schema, ["page_sizes", "zzz"])) == [
        "There is no setting page_sizes, it is ignored; did you mean page_size?",
        "There is no setting zzz, it is ignored",
    ]


def test_variables_that_are_no_settings_are_told_with_the_nearest(schema):
    fine = ["LOGLEVEL", "TABLES", "SHARD_INDEX", "STREAM_MAPS___ELSE__", "FAKER_CONFIG_SEED", "FLATTENING_ENABLED"]
    fine += ["_CATALOG", "_STATE", "_LOAD_SCHEMA", "_SELECT", "_SELECT_FILTER", "_METADATA", "_USE_CACHED_CATALOG"]
    assert list(unknown_variables(schema, PREFIX, dict.fromkeys([PREFIX + name for name in fine], "x"))) == []
    assert list(unknown_variables(schema, PREFIX, {PREFIX + "TABELS": "[]", "TAP_OTHER": "", "PATH": ""})) == [
        "The environment variable TAP_JDEDWARDS_TABELS is no setting, it is ignored; did you mean TAP_JDEDWARDS_TABLES?"
    ]


def test_a_name_far_from_all_others_suggests_nothing():
    assert nearest("f0011", ["F0101", "customers"]) == "; did you mean F0101?"
    assert nearest("orders", ["F0101"]) == ""


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        (
            "'ais_url' is a required property",
            (
                "ais_url is missing; give TAP_JDEDWARDS_AIS_URL in the environment (read with --config=ENV), or "
                "ais_url in a configuration file"
            ),
        ),
        (
            "'abc' is not of type 'integer', 'null' in config['page_size']",
            "page_size must be a whole number, not 'abc'",
        ),
        ("5 is not of type 'array', 'null' in config['tables']", "tables must be a list, not 5"),
        ("5 is not of type 'string' in config['tables'][0]", "tables 0 must be text, not 5"),
        ("0 is less than the minimum of 1 in config['shard']['of']", "shard.of must be 1 or more, not 0"),
        ("9 is greater than the maximum of 8 in config['max_concurrency']", "max_concurrency must be 8 or less, not 9"),
        ("'x' is not one of ['none', 'keys'] in config['a']", "a must be one of 'none', 'keys', not 'x'"),
        ("'x' is not one of ['none'] in config['password']", "the password must be text, in quotes"),
        ("something else", "something else"),
    ],
)
def test_what_the_validation_says_is_told_in_plain_words(told, plain):
    assert in_plain_words(told) == plain


@pytest.mark.parametrize(("setting", "value"), [("request_timeout_seconds", 10**10), ("page_size", 10**9)])
def test_numbers_beyond_all_sense_are_refused(setting, value):
    with pytest.raises(ConfigValidationError) as refused:
        TapJDEdwards(config={"ais_url": "http://127.0.0.1:9", setting: value})
    (line,) = refused.value.errors
    assert in_plain_words(line).startswith(f"{setting} must be ")


def test_a_lost_output_is_one_line_and_other_errors_of_the_system_are_not_taken_for_one():
    code = "import logging, sys, tap_jdedwards.failures as f\n"
    code += "with f.one_line_errors(logging.getLogger()): {}"
    wanted = {"print('x' * 99999)": "output cannot be written: No space left", "open('/nowhere')": "FileNotFoundError"}
    for statement, words in wanted.items():
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-c", code.format(statement)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 1
        assert words in done.stderr.splitlines()[-1]
        assert ("Traceback" in done.stderr) == (words == "FileNotFoundError")
