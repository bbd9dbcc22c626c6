"""A tap as anybody writes one with the Meltano SDK; it knows nothing of this suite."""

from __future__ import annotations

import typing as t

from singer_sdk import Stream, Tap
from singer_sdk import typing as th


class Clients(Stream):
    name = "crm.clients"
    primary_keys: t.ClassVar = ["id"]
    replication_key = "updated"
    is_sorted = True
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("display name", th.StringType),
        th.Property("revenue", th.NumberType),
        th.Property("since", th.DateType),
        th.Property("updated", th.DateTimeType),
        th.Property("tags", th.ArrayType(th.StringType)),
        th.Property("office", th.ObjectType(th.Property("town", th.StringType))),
    ).to_dict()

    def get_records(self, context):
        for number in range(1, self.config["rows"] + 1):
            yield {
                "id": number,
                "display name": f"Client {number} · Łódź",
                "revenue": None if number % 5 == 0 else number * 1.5,
                "since": "2020-02-29",
                "updated": f"2026-11-20T10:00:{number % 60:02d}Z",
                "tags": ["a", "b"][: number % 3],
                "office": None if number % 7 == 0 else {"town": "Köln"},
            }


class Ignored(Clients):
    name = "crm.ignored"


class SampleTap(Tap):
    name = "sample-tap"
    config_jsonschema: t.ClassVar = th.PropertiesList(th.Property("rows", th.IntegerType, default=20)).to_dict()

    def discover_streams(self):
        return [Clients(self), Ignored(self)]


if __name__ == "__main__":
    SampleTap.cli()
