"""The SDK's standard suite for targets, with rules that tell of its rows."""

from __future__ import annotations

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.target_tests import TargetRecordMissingKeyProperty
from singer_sdk.testing.templates import TargetFileTestTemplate
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_twilio.target import TargetTwilio
from target_twilio_commands import received

STREAMS = {
    "test_array_data": ("id", "fruits | length"),
    "TestCamelcase": ("Id", "clientName"),
    "ForecastingTypeToCategory": ("Id", "Id"),
    "test_duplicate_records": ("id", "metric"),
    "test_strings": ("id", "info"),
    "test_strings_in_objects": ("id", "info['value']"),
    "test_strings_in_arrays": ("id", "strings | first"),
    "test_no_pk": ("id", "metric"),
    "test_optional_attributes": ("id", "optional"),
    "test_record_before_schema": ("id", "metric"),
    "test_record_missing_key_property": ("id", "metric"),
    "test_schema_updates": ("id", "id"),
    "test:SpecialChars!in?attributes": ("_id", "_id"),
}
"""Stream of the suite -> the field its alerts are known by, and what is told of it; no rule looks at the others."""

_RULE = """\
  - alert: Rule{number}
    stream: "{stream}"
    kind: event
    identity: [{key}]
    when: {key} is not None
    labels: {{key: "{{{{ {key} }}}}"}}
    annotations: {{summary: "{{{{ {key} }}}}: {{{{ {told} }}}}"}}
"""

RULES = (
    "region: US\nstorm_limit: 100\nrules:\n"
    + "".join(
        _RULE.format(number=number, stream=stream, key=key, told=told)
        for number, (stream, (key, told)) in enumerate(STREAMS.items())
    )
    + """\
route: {receiver: everyone, group_by: ['...'], group_interval: 0s}
receivers:
  - {name: everyone, sms: {to: ["+12125550123"]}}
"""
)


@pytest.fixture
def settings(config, tmp_path):
    (tmp_path / "rules.yml").write_text(RULES)
    return config


class TestStandard(get_target_test_class(TargetTwilio)):
    """All tests of the suite, on rows that really are told."""

    @pytest.fixture
    def config(self, config):
        """The settings of this folder, whose name the suite has for its own."""
        return config

    @pytest.fixture
    def runner(self, settings, twilio):
        return TargetTestRunner(target_class=TargetTwilio, config=settings, parse_env_config=False)

    def test_target_record_missing_key_property(self, settings, runner, twilio):
        """The suite wants an exception that ends the run; here one bad row is held and the others go on."""
        case = TargetRecordMissingKeyProperty()
        runner.input_filepath = case.singer_filepath
        runner.sync_all()
        engine = open_engine(settings["ledger_url"])
        with engine.connect() as connection:
            (row,) = connection.execute(select(open_rows)).all()
        engine.dispose()
        assert row.reason == "missing_key"
        assert received(twilio) == []


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("encoded_string_data", {"1: simple string 2837", "2: απλή συμβολοσειρά", "3: 简单的字串", "4: chaîne simple"}),
        ("duplicate_records", {"1: 1", "2: 2"}),
        ("camelcase", {"1: Gitter Windows Desktop App", "2: Gitter iOS App"}),
    ],
)
def test_the_rows_of_the_suite_are_told(case, told, settings, twilio):
    template = type("Case", (TargetFileTestTemplate,), {"name": case})()
    runner = TargetTestRunner(target_class=TargetTwilio, config=settings, parse_env_config=False)
    runner.input_filepath = template.singer_filepath
    runner.sync_all()
    assert told <= set(received(twilio))
