"""The SDK's standard suite for targets, its streams mapped to accounts."""

from __future__ import annotations

import typing as t

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.target_tests import TargetRecordMissingKeyProperty
from singer_sdk.testing.templates import TargetFileTestTemplate
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_dynamics.target import TargetDynamics

if t.TYPE_CHECKING:
    from conftest import Crm


def account(key: str = "id", name: str = "'Row ' + str(external_id)", **more: str) -> dict[str, t.Any]:
    return {
        "__alias__": "accounts",
        "__else__": None,
        "__key_properties__": ["external_id"],
        "external_id": f"str({key})",
        "name": name.replace("external_id", key),
        **more,
    }


STREAM_MAPS = {
    "test_array_data": account(telephone1="fruits[0]"),
    "ForecastingTypeToCategory": account("Id"),
    "TestCamelcase": account("Id", "clientName"),
    "test_duplicate_records": account(creditlimit="metric"),
    "test_strings": account(name="info"),
    "test_strings_in_objects": account("'object ' + str(id)", "info['value']"),
    "test_strings_in_arrays": account("'array ' + str(id)", "strings[0]"),
    "test_no_pk": account(creditlimit="metric"),
    "test_optional_attributes": account(telephone1="record.get('optional')"),
    "example_stream": account(name="name"),
    "test_record_before_schema": account(creditlimit="metric"),
    "test_record_missing_key_property": {"__alias__": "accounts", "metric": None, "creditlimit": "metric"},
    "record_missing_fields": account(telephone1="record.get('optional')"),
    "test_object_schema_*": account("object_store['id']", creditlimit="object_store['metric']"),
    "test_schema_updates": account(creditlimit="a1", telephone1="a2"),
    "test:SpecialChars!in?attributes": account("_id", telephone1="d['agent:os:version']"),
}


class TestStandard(get_target_test_class(TargetDynamics)):  # type: ignore[misc]  # the SDK makes the base at run time
    """All tests of the suite, on rows that really are written."""

    @pytest.fixture
    def runner(self, settings: dict[str, t.Any], crm: Crm) -> TargetTestRunner:
        config = {**settings, "stream_maps": STREAM_MAPS}
        return TargetTestRunner(target_class=TargetDynamics, config=config, parse_env_config=False)

    def test_target_record_missing_key_property(
        self, settings: dict[str, t.Any], crm: Crm, runner: TargetTestRunner
    ) -> None:
        """The suite wants an exception that ends the run; here one bad row is held and the others go on."""
        case = TargetRecordMissingKeyProperty()
        runner.input_filepath = case.singer_filepath
        runner.sync_all()
        engine = open_engine(settings["ledger_url"])
        with engine.connect() as connection:
            (row,) = connection.execute(select(open_rows)).all()
        engine.dispose()
        assert row.reason == "missing_key"
        assert crm.truth("accounts") == []


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("encoded_string_data", {"simple string 2837", "απλή συμβολοσειρά", "简单的字串"}),
        ("duplicate_records", {"Row 1", "Row 2"}),
        ("camelcase", {"Gitter Windows Desktop App", "Gitter iOS App"}),
    ],
)
def test_the_rows_of_the_suite_arrive(case: str, names: set[str], settings: dict[str, t.Any], crm: Crm) -> None:
    template = type("Case", (TargetFileTestTemplate,), {"name": case})()
    config = {**settings, "stream_maps": STREAM_MAPS}
    runner = TargetTestRunner(target_class=TargetDynamics, config=config, parse_env_config=False)
    runner.input_filepath = template.singer_filepath
    runner.sync_all()
    assert names <= {record["name"] for record in crm.truth("accounts")}
