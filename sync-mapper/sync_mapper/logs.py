"""The log of a run, set up as the SDK sets it up: readable lines, or what `SINGER_SDK_LOG_CONFIG` says."""

from __future__ import annotations

import json
import logging
import os
import sys
import typing as t

_THEIRS = "singer_sdk.logging.StructuredFormatter"
_FORMAT = "{asctime:23s} | {levelname:8s} | {name:30s} | {message}"


def set_up() -> None:
    """Send the log to standard error, or where a configuration says, such as Meltano's."""
    root = logging.getLogger()
    root.setLevel((os.environ.get("SYNC_MAPPER_LOGLEVEL") or os.environ.get("LOGLEVEL") or "INFO").upper())
    root.addHandler(console())
    if path := os.environ.get("SINGER_SDK_LOG_CONFIG"):
        from logging.config import dictConfig  # noqa: PLC0415 - only where it is asked for

        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not loaded otherwise
                text = file.read()
        except FileNotFoundError:
            logging.getLogger("sync-mapper").warning("Logging config file not found: %s", path)
        else:
            dictConfig(_read(text))


def console() -> logging.Handler:
    """Return what writes readable lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT, style="{"))
    return handler


def _read(text: str) -> dict[str, t.Any]:
    """Read a configuration; Meltano writes JSON, others may write YAML."""
    try:
        found = json.loads(text)
    except ValueError:
        import yaml  # noqa: PLC0415 - seldom

        found = yaml.safe_load(text)
    for formatter in found.get("formatters", {}).values():
        if formatter.get("()") == _THEIRS:
            formatter["()"] = f"{__name__}.{StructuredFormatter.__name__}"
    return t.cast("dict[str, t.Any]", found)


class StructuredFormatter(logging.Formatter):
    """Writes entries as JSON like the SDK's formatter of this name, which it asks only for entries with a traceback."""

    def __init__(self, *, defaults: dict[str, t.Any] | None = None, **kwargs: t.Any) -> None:
        super().__init__(**kwargs)
        self._arguments = {"defaults": defaults, **kwargs}
        self._defaults = defaults or {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry."""
        if record.exc_info:
            from singer_sdk.logging import StructuredFormatter as Theirs  # noqa: PLC0415 - something broke

            return Theirs(**self._arguments).format(record)
        extra = {**self._defaults, **record.__dict__}
        for name in _OWN:
            extra.pop(name, None)
        entry = {
            "level": record.levelname.lower(),
            "pid": record.process,
            "logger_name": record.name,
            "ts": record.created,
            "thread_name": record.threadName,
            "app_name": extra.pop("app_name", "singer-sdk"),
            "stream_name": extra.pop("stream_name", None),
            "message": record.getMessage(),
            "extra": extra,
        }
        return json.dumps(entry, default=str, separators=(",", ":"))


_OWN = (*logging.makeLogRecord({}).__dict__, "asctime", "taskName")
"""Attributes every entry has; all others were given with it."""
