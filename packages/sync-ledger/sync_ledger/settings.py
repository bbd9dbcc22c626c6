"""Settings every target of ours has, beside its own."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th


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
            th.IntegerType,
            default=3,
            title="State interval",
            description=(
                "A STATE goes out as soon as all rows before it are settled; one that has waited so many seconds makes "
                "all sinks write what they hold."
            ),
        ),
        th.Property(
            "full_sweep_hours",
            th.IntegerType,
            default=168,
            title="Full sweep",
            description=(
                "Age in hours at which the index of external IDs is read anew as a whole instead of by changes; "
                "only a full sweep notices records that vanished at the service."
            ),
        ),
    )
    return t.cast("dict[str, t.Any]", th.PropertiesList(*own, *shared).to_dict())
