"""Settings of the tap: what a user can say, and the same as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jde_ais import AisSettings
from singer_sdk import typing as th

from tap_jdedwards.marks import MarkError, parse_mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

DEFAULT_TABLES = ["F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401"]
DEFAULT_STREAMS = ["customers", "contacts"]

CONFIG_SCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "ais_url",
        th.StringType,
        required=True,
        title="AIS URL",
        description="Address of the AIS Server, like https://ais.example.com:7077, without /jderest",
    ),
    th.Property("username", th.StringType, required=True, title="User", description="JD Edwards user to sign on as"),
    th.Property(
        "password",
        th.StringType,
        required=True,
        secret=True,
        title="Password",
        description="Password of the JD Edwards user",
    ),
    th.Property(
        "device_name",
        th.StringType,
        default="tap-jdedwards",
        title="Device name",
        description="Name under which the session is shown; the server binds the session to it",
    ),
    th.Property(
        "environment",
        th.StringType,
        title="Environment",
        description="JD Edwards environment, like JPD920; the server's default when empty",
    ),
    th.Property(
        "role",
        th.StringType,
        title="Role",
        description="Role to sign on with, like *ALL; the server's default when empty",
    ),
    th.Property(
        "tables",
        th.ArrayType(th.StringType),
        default=DEFAULT_TABLES,
        title="Tables",
        description="Tables to offer as streams; any table of the server may be named",
    ),
    th.Property(
        "table_keys",
        th.ObjectType(additional_properties=th.ArrayType(th.StringType)),
        default={},
        title="Table keys",
        description='Primary keys of tables the tap does not know, like {"F550101": ["AN8", "LNID"]}',
    ),
    th.Property(
        "streams",
        th.ArrayType(th.StringType),
        default=DEFAULT_STREAMS,
        title="Composed streams",
        description="Composed streams to offer: documents joined from several tables",
    ),
    th.Property(
        "definitions_file",
        th.StringType,
        title="Definitions file",
        description="YAML file that adds or replaces composed streams, in the form of composed/definitions.yml",
    ),
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description="Rows last changed before this day (YYYY-MM-DD) are not read; without it everything is",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1),
        default=1000,
        title="Page size",
        description="Rows to ask for in one request; a lower fetch limit of the server is coped with",
    ),
    th.Property(
        "overlap_minutes",
        th.IntegerType(minimum=0),
        default=60,
        title="Overlap",
        description="How far before the bookmark each run reads again, for late commits and clocks that differ",
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=8),
        default=2,
        title="Concurrency",
        description="Requests that may run at once on the one session",
    ),
    th.Property(
        "verify_tls",
        th.BooleanType,
        default=True,
        title="Verify TLS",
        description="Whether the server's certificate is checked",
    ),
    th.Property(
        "ca_bundle",
        th.StringType,
        title="CA bundle",
        description="File with the certificate authorities to trust, for certificates issued in house",
    ),
    th.Property(
        "request_timeout_seconds",
        th.IntegerType(minimum=1),
        default=60,
        title="Request timeout",
        description="How long to wait for an answer before a request is tried again",
    ),
).to_dict()


class SettingsError(ValueError):
    """A setting cannot be used; the message names it."""


@dataclass(frozen=True)
class TapSettings:
    """The settings as typed values.

    Attributes:
        ais: What the AIS client needs.
        tables: Table streams to offer.
        table_keys: Primary keys the user gave.
        streams: Composed streams to offer.
        definitions_file: The user's own definitions of composed streams.
        start_date: First day of interest.
        page_size: Rows a request.
        overlap_minutes: How far back each run reads again.
    """

    ais: AisSettings
    tables: tuple[str, ...]
    table_keys: Mapping[str, tuple[str, ...]]
    streams: tuple[str, ...]
    definitions_file: str | None
    start_date: date | None
    page_size: int
    overlap_minutes: int

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TapSettings:
        """Read a validated configuration.

        Args:
            config: Settings by name, defaults filled in.

        Returns:
            The settings.

        Raises:
            SettingsError: When ``start_date`` is no date, or a name is empty.
        """
        try:
            start = parse_mark(config.get("start_date") or None)
        except MarkError as error:
            raise SettingsError(f"start_date: {error}") from error
        if not all(name.strip() for name in (*config["tables"], *config["streams"])):
            raise SettingsError("tables and streams must not hold empty names")
        verify: bool | str = config["verify_tls"]
        if verify and config.get("ca_bundle"):
            verify = config["ca_bundle"]
        return cls(
            ais=AisSettings(
                url=config["ais_url"],
                username=config["username"],
                password=config["password"],
                device_name=config["device_name"],
                environment=config.get("environment") or None,
                role=config.get("role") or None,
                timeout_seconds=config["request_timeout_seconds"],
                verify=verify,
                max_concurrency=config["max_concurrency"],
            ),
            tables=tuple(dict.fromkeys(name.upper() for name in config["tables"])),
            table_keys={table.upper(): tuple(key) for table, key in config["table_keys"].items()},
            streams=tuple(dict.fromkeys(config["streams"])),
            definitions_file=config.get("definitions_file") or None,
            start_date=start.date() if start else None,
            page_size=config["page_size"],
            overlap_minutes=config["overlap_minutes"],
        )
