"""Settings of the tap: what a user can say, and the same as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jde_ais import AisSettings
from singer_sdk import typing as th

from tap_jdedwards.marks import MarkError, parse_mark
from tap_jdedwards.unknown import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

DEFAULT_TABLES = ["F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401"]
DEFAULT_STREAMS = ["customers", "contacts"]
_YEARS = range(1970, 2900)
"""Stamps lie between: JD Edwards is younger than its first year and stores no later one than the last."""

CONFIG_SCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "ais_url",
        th.StringType,
        required=True,
        title="AIS URL",
        description="Address of the AIS Server, like https://ais.example.com:7077, without /jderest",
    ),
    th.Property(
        "username",
        th.StringType,
        title="User",
        description="JD Edwards user to sign on as; not needed with a JWT",
    ),
    th.Property(
        "password",
        th.StringType,
        secret=True,
        title="Password",
        description="Password of the JD Edwards user; not needed with a JWT",
    ),
    th.Property(
        "auth_method",
        th.StringType,
        allowed_values=["password", "basic", "jwt"],
        default="password",
        title="Log-in",
        description="How to log in: user and password in the request, by HTTP Basic authentication, or with a JWT",
    ),
    th.Property(
        "jwt",
        th.StringType,
        secret=True,
        title="JWT",
        description="JSON Web Token that the AIS Server trusts, for auth_method jwt",
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
        "replication_columns",
        th.ObjectType(additional_properties=th.StringType),
        default={},
        title="Replication columns",
        description='Date columns to read tables by instead of UPMJ, like {"F0911": "DGJ"}; "" reads the whole table',
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
        "udc_descriptions",
        th.BooleanType,
        default=False,
        title="UDC descriptions",
        description="Whether composed streams carry the description of a user defined code beside the code",
    ),
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description="Rows last changed before this day (YYYY-MM-DD) are not read; without it everything is",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=100_000),
        default=1000,
        title="Page size",
        description="Rows to ask for in one request; a lower fetch limit of the server is coped with",
    ),
    th.Property(
        "overlap_minutes",
        th.IntegerType(minimum=0, maximum=525_600),
        default=60,
        title="Overlap",
        description="How far before the bookmark each run reads again, for late commits and clocks that differ",
    ),
    th.Property(
        "detect_deletes",
        th.StringType,
        allowed_values=["none", "keys"],
        default="none",
        title="Detect deletions",
        description="With keys, all keys are read at every run and vanished rows emitted with _sdc_deleted_at",
    ),
    th.Property(
        "detect_deletes_in",
        th.ArrayType(th.StringType),
        default=[],
        title="Detect deletions in",
        description="Streams to detect deletions in; all incremental ones when empty",
    ),
    th.Property(
        "keys_path",
        th.StringType,
        title="Keys path",
        description="Folder that keeps the keys seen, one file a stream; needed to detect deletions",
    ),
    th.Property(
        "delete_guard_percent",
        th.IntegerType(minimum=0, maximum=100),
        default=20,
        title="Deletion guard",
        description="If more of the known keys have vanished than this, the stream fails and nothing is deleted",
    ),
    th.Property(
        "shard",
        th.ObjectType(
            th.Property(
                "index", th.IntegerType(minimum=0), required=True, title="Shard index", description="This part, from 0"
            ),
            th.Property(
                "of",
                th.IntegerType(minimum=1, maximum=64),
                required=True,
                title="Shards",
                description="Number of parts",
            ),
        ),
        title="Shard",
        description='Part of each stream to read, for parallel processes with a state each, like {"index": 0, "of": 4}',
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=8),
        default=2,
        title="Concurrency",
        description="Requests that may run at once on the one session",
    ),
    th.Property(
        "requests_per_second",
        th.IntegerType(minimum=0, maximum=1000),
        default=0,
        title="Requests per second",
        description="Most requests a second; 0 for no limit",
    ),
    th.Property(
        "proxy_url",
        th.StringType,
        secret=True,
        title="Proxy",
        description="HTTP proxy, like http://proxy.example.com:3128; that of the environment when empty",
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
        th.IntegerType(minimum=1, maximum=3600),
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
        replication_columns: Date columns the user wants tables read by; "" for the whole table each time.
        udc_descriptions: Whether composed streams describe codes.
        detect_deletes: Whether vanished keys are looked for.
        detect_deletes_in: Streams in which; empty for all incremental ones.
        keys_path: Folder of the keys seen.
        delete_guard_percent: Most of the known keys that may vanish between two runs.
        shard: Index and number of shards; None for everything.
    """

    ais: AisSettings
    tables: tuple[str, ...]
    table_keys: Mapping[str, tuple[str, ...]]
    streams: tuple[str, ...]
    definitions_file: str | None
    start_date: date | None
    page_size: int
    overlap_minutes: int
    replication_columns: Mapping[str, str]
    udc_descriptions: bool
    detect_deletes: bool
    detect_deletes_in: tuple[str, ...]
    keys_path: Path | None
    delete_guard_percent: int
    shard: tuple[int, int] | None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TapSettings:
        """Read a validated configuration.

        Args:
            config: Settings by name, defaults filled in.

        Returns:
            The settings.

        Raises:
            SettingsError: When one cannot be used.
        """
        if not all(name.strip() for name in (*config["tables"], *config["streams"])):
            raise SettingsError("tables and streams must not hold empty names")
        _check_log_in(config)
        _check_deletes(config)
        _check_tables_named(config)
        verify: bool | str = config["verify_tls"]
        if verify and config.get("ca_bundle"):
            verify = config["ca_bundle"]
        return cls(
            ais=AisSettings(
                url=config["ais_url"],
                username=config.get("username") or "",
                password=config.get("password") or "",
                auth_method=config["auth_method"],
                jwt=config.get("jwt") or "",
                device_name=config["device_name"],
                environment=config.get("environment") or None,
                role=config.get("role") or None,
                timeout_seconds=config["request_timeout_seconds"],
                verify=verify,
                max_concurrency=config["max_concurrency"],
                requests_per_second=config["requests_per_second"],
                proxy_url=config.get("proxy_url") or None,
            ),
            tables=tuple(dict.fromkeys(name.upper() for name in config["tables"])),
            table_keys={table.upper(): tuple(key) for table, key in config["table_keys"].items()},
            streams=tuple(dict.fromkeys(config["streams"])),
            definitions_file=config.get("definitions_file") or None,
            start_date=_start_date(config.get("start_date")),
            page_size=config["page_size"],
            overlap_minutes=config["overlap_minutes"],
            replication_columns={table.upper(): name for table, name in config["replication_columns"].items()},
            udc_descriptions=config["udc_descriptions"],
            detect_deletes=config["detect_deletes"] == "keys",
            detect_deletes_in=tuple(config["detect_deletes_in"]),
            keys_path=Path(config["keys_path"]) if config.get("keys_path") else None,
            delete_guard_percent=config["delete_guard_percent"],
            shard=_shard(config.get("shard")),
        )


def _check_log_in(config: Mapping[str, Any]) -> None:
    needed = ("jwt",) if config["auth_method"] == "jwt" else ("username", "password")
    missing = [name for name in needed if not config.get(name)]
    if missing:
        variables = " and ".join(f"TAP_JDEDWARDS_{name.upper()}" for name in missing)
        are = "are" if len(missing) > 1 else "is"
        raise SettingsError(
            f"the setting{'s' if len(missing) > 1 else ''} {' and '.join(missing)} {are} missing, which the log-in by "
            f"auth_method {config['auth_method']} needs; give {variables} in the environment (read with --config=ENV), "
            "or in the configuration file"
        )


def _check_deletes(config: Mapping[str, Any]) -> None:
    if config["detect_deletes"] == "keys" and not config.get("keys_path"):
        raise SettingsError("detect_deletes needs keys_path: a folder that keeps the keys seen from run to run")
    offered = {*(name.upper() for name in config["tables"]), *config["streams"]}
    for name in config["detect_deletes_in"]:
        if name not in offered:
            raise SettingsError(f"detect_deletes_in names {name}, which neither tables nor streams offers")


def _check_tables_named(config: Mapping[str, Any]) -> None:
    offered = [name.upper() for name in config["tables"]]
    for setting in ("table_keys", "replication_columns"):
        for name in config[setting]:
            if name.upper() not in offered:
                raise SettingsError(
                    f"{setting} names {name}, which the setting tables does not offer{nearest(name, offered)}"
                )


def _start_date(given: str | None) -> date | None:
    if not given:
        return None
    try:
        start = parse_mark(given)
    except MarkError as error:
        raise SettingsError(f"start_date must be a day like 2026-11-20, not {given!r}") from error
    if start is not None and start.year not in _YEARS:
        raise SettingsError(
            f"start_date must lie from {_YEARS[0]} to {_YEARS[-1]}, not {given!r}; leave it out for all"
        )
    return None if start is None else start.date()


def _shard(given: Mapping[str, int] | None) -> tuple[int, int] | None:
    if not given:
        return None
    index, of = given["index"], given["of"]
    if index >= of:
        raise SettingsError(f"shard: index {index} is not below of {of}; indexes count from 0")
    return index, of
