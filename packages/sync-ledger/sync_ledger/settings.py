"""Settings every target of ours has, beside its own."""

from __future__ import annotations

import os
import re
import typing as t

from singer_sdk import typing as th

from sync_ledger.errors import ConfigError
from sync_ledger.observing import observing_settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def upsert_settings(*own: th.Property[t.Any]) -> dict[str, t.Any]:
    """Return the settings schema of a target: its own settings first, then the shared ones."""
    shared = (
        th.Property(
            "ledger_url",
            th.StringType,
            default="sqlite:///sync-ledger.db",
            secret=True,
            title="Ledger",
            description=(
                "Where runs, outcomes and links are kept: `sqlite:///path/to/file.db` (relative to the working "
                "directory) or `postgresql://user:password@host/database`."
            ),
        ),
        th.Property(
            "mode",
            th.StringType,
            default="apply",
            allowed_values=["apply", "plan"],
            title="Mode",
            description=(
                "`apply` writes; `plan` reads and compares only, settles every row as `planned`, `unchanged` or "
                "`held`, and passes no STATE."
            ),
        ),
        th.Property(
            "on_unknown_stream",
            th.StringType,
            default="error",
            allowed_values=["error", "skip"],
            title="Unknown streams",
            description="What to do with a stream the destination has no entity for: end the run, or skip its rows.",
        ),
        th.Property(
            "state_interval_seconds",
            th.IntegerType(minimum=0, maximum=3600),
            default=3,
            title="State interval",
            description=(
                "A STATE goes out as soon as all rows before it are settled; one that has waited so many seconds makes "
                "all sinks write what they hold."
            ),
        ),
        th.Property(
            "full_sweep_hours",
            th.IntegerType(minimum=0, maximum=87_600),
            default=168,
            title="Full sweep",
            description=(
                "Age in hours at which the index of external IDs is read anew as a whole instead of by changes; "
                "only then records that vanished at the service leave it."
            ),
        ),
    )
    return t.cast("dict[str, t.Any]", th.PropertiesList(*own, *shared, *observing_settings()).to_dict())


def check_environment(schema: Mapping[str, t.Any], prefix: str) -> None:
    """Check the settings given as environment variables whose text singer-sdk 0.54.9 turns into numbers.

    Raises:
        ConfigError: Naming the first variable that holds none.
    """
    for name, setting in schema["properties"].items():
        variable = prefix + name.upper()
        text = os.environ.get(variable)
        if text is not None and "integer" in setting.get("type", ()) and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
            raise ConfigError(f"{variable} must be a whole number, not {text!r}")


def without_secrets(text: str, config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> str:
    """Return what a validation said of the settings without the values of secret ones."""
    for name, setting in schema["properties"].items():
        value = config.get(name)
        if setting.get("secret") and value not in (None, ""):
            text = text.replace(repr(value), "***").replace(str(value), "***")
    return text
