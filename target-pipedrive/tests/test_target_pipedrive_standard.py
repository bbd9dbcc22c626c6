"""The SDK's standard suite for targets, its streams mapped to organizations."""

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
from target_pipedrive.target import TargetPipedrive

if t.TYPE_CHECKING:
    from service_emulators.testing import PipedriveEmulator


def organization(key: str = "id", name: str = "'Row ' + str(external_id)", **more: str) -> dict[str, t.Any]:
    return {
        "__alias__": "organizations",
        "__else__": None,
        "__key_properties__": ["external_id"],
        "external_id": f"str({key})",
        "name": name.replace("external_id", key),
        **more,
    }


STREAM_MAPS = {
    "test_array_data": organization(**{"Tax ID": "fruits[0]"}),
    "ForecastingTypeToCategory": organization("Id"),
    "TestCamelcase": organization("Id", "clientName"),
    "test_duplicate_records": organization(**{"Credit Limit": "metric"}),
    "test_strings": organization(name="info"),
    "test_strings_in_objects": organization("'object ' + str(id)", "info['value']"),
    "test_strings_in_arrays": organization("'array ' + str(id)", "strings[0]"),
    "test_no_pk": organization(**{"Credit Limit": "metric"}),
    "test_optional_attributes": organization(**{"Tax ID": "record.get('optional')"}),
    "example_stream": organization(name="name"),
    "test_record_before_schema": organization(**{"Credit Limit": "metric"}),
    "test_record_missing_key_property": {"__alias__": "organizations", "metric": None, "Credit Limit": "metric"},
    "record_missing_fields": organization(**{"Tax ID": "record.get('optional')"}),
    "test_object_schema_*": organization("object_store['id']", **{"Credit Limit": "object_store['metric']"}),
    "test_schema_updates": organization(**{"Credit Limit": "a1", "Tax ID": "a2"}),
    "test:SpecialChars!in?attributes": organization("_id", **{"Tax ID": "d['agent:os:version']"}),
}


class TestStandard(get_target_test_class(TargetPipedrive)):  # type: ignore[misc]  # the SDK makes the base at run time
    """All tests of the suite, on rows that really are written."""

    @pytest.fixture
    def runner(self, settings: dict[str, t.Any]) -> TargetTestRunner:
        config = {**settings, "stream_maps": STREAM_MAPS}
        return TargetTestRunner(target_class=TargetPipedrive, config=config, parse_env_config=False)

    def test_target_record_missing_key_property(
        self, settings: dict[str, t.Any], pipedrive: PipedriveEmulator, runner: TargetTestRunner
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
        assert pipedrive.control.counters()["writes"] == 0


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("encoded_string_data", {"simple string 2837", "απλή συμβολοσειρά", "简单的字串"}),
        ("duplicate_records", {"Row 1", "Row 2"}),
        ("camelcase", {"Gitter Windows Desktop App", "Gitter iOS App"}),
    ],
)
def test_the_rows_of_the_suite_arrive(
    case: str, names: set[str], settings: dict[str, t.Any], pipedrive: PipedriveEmulator
) -> None:
    template = type("Case", (TargetFileTestTemplate,), {"name": case})()
    config = {**settings, "stream_maps": STREAM_MAPS}
    runner = TargetTestRunner(target_class=TargetPipedrive, config=config, parse_env_config=False)
    runner.input_filepath = template.singer_filepath
    runner.sync_all()
    assert names <= {record["name"] for record in pipedrive.control.records("organizations")}
