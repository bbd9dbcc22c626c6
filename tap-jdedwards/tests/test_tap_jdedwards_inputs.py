"""What is given on the command line is checked before anything is read."""

from __future__ import annotations

import pytest
from tap_jdedwards.inputs import check_environment, checked_catalog, checked_state
from tap_jdedwards.settings import CONFIG_SCHEMA, SettingsError

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
