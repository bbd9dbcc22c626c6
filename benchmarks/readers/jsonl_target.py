"""A small target on the SDK that appends records to one JSONL file per stream.

The JSONL loaders there are carry dependencies that do not go together with the SDK's or read line by line with the
standard library; with one as plain as this the tap is measured and not a loader.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecReader, encoder
from singer_sdk.sinks import RecordSink


class JsonlSink(RecordSink):
    """One file."""

    validate_schema = False

    def __init__(self, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(*arguments, **options)
        self._file = (Path(self.config["folder"]) / f"{self.stream_name}.jsonl").open("ab")

    def _parse_timestamps_in_record(self, **_: t.Any) -> None:
        """Leave dates the text they are: they are written as text again."""

    def process_record(self, record: dict[str, t.Any], context: dict[str, t.Any]) -> None:  # noqa: ARG002
        """Append a record."""
        self._file.write(encoder.encode(record) + b"\n")

    def clean_up(self) -> None:
        """Close the file."""
        self._file.close()


class JsonlTarget(Target):
    """The target around the files."""

    name = "target-jsonl-plain"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        th.Property("folder", th.StringType, required=True)
    ).to_dict()
    default_sink_class = JsonlSink
    message_reader_class = MsgSpecReader


if __name__ == "__main__":
    sys.exit(JsonlTarget.cli())
