"""A target as anybody writes one with the Meltano SDK: JSONL files; records are validated against their SCHEMA."""

from __future__ import annotations

import json
import typing as t
from decimal import Decimal
from pathlib import Path

from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.sinks import RecordSink


def _plain(value):
    return float(value) if isinstance(value, Decimal) else str(value)


class JsonlSink(RecordSink):
    def setup(self):
        self.file = (Path(self.config["folder"]) / f"{self.stream_name}.jsonl").open("a")
        described = {"schema": self.original_schema, "key_properties": list(self.key_properties)}
        Path(self.config["folder"], f"{self.stream_name}.schema.json").write_text(json.dumps(described))

    def process_record(self, record, context):
        self.file.write(json.dumps(record, default=_plain) + "\n")

    def clean_up(self):
        self.file.close()


class SampleTarget(Target):
    name = "sample-target"
    default_sink_class = JsonlSink
    config_jsonschema: t.ClassVar = th.PropertiesList(th.Property("folder", th.StringType, required=True)).to_dict()


if __name__ == "__main__":
    SampleTarget.cli()
