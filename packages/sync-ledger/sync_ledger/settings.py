"""Settings every target of ours has, beside its own."""

from __future__ import annotations

import json
import os
import re
import typing as t

from singer_sdk import typing as th

from sync_ledger.errors import ConfigError
from sync_ledger.observing import observing_settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def settings_schema(*own: th.Property[t.Any]) -> dict[str, t.Any]:
    """Return the settings schema of a target: its own settings first, then those of what watches runs.

    One of its own outranks a shared one of the same name, such as one whose meaning is narrower at its service.
    """
    names = {setting.name for setting in own}
    others = [setting for setting in observing_settings() if setting.name not in names]
    return t.cast("dict[str, t.Any]", th.PropertiesList(*own, *others).to_dict())


def ledger_url(kept: str) -> th.Property[t.Any]:
    """Return the setting that says where the ledger is.

    Args:
        kept: What the target keeps there.
    """
    return th.Property(
        "ledger_url",
        th.StringType,
        default="sqlite:///sync-ledger.db",
        secret=True,
        title="Ledger",
        description=(
            f"Where {kept} are kept: `sqlite:///path/to/file.db` (relative to the working directory) or "
            "`postgresql://user:password@host/database`."
        ),
    )


def mode(allowed: t.Sequence[str], meaning: str) -> th.Property[t.Any]:
    """Return the setting that says what a run may do.

    Args:
        allowed: Modes of the target.
        meaning: What each of them does.
    """
    return th.Property(
        "mode", th.StringType, default="apply", allowed_values=list(allowed), title="Mode", description=meaning
    )


def state_interval(settle: str) -> th.Property[t.Any]:
    """Return the setting that says how long a STATE may wait.

    Args:
        settle: Verb for what sinks do with the rows they hold.
    """
    return th.Property(
        "state_interval_seconds",
        th.IntegerType(minimum=0, maximum=3600),
        default=3,
        title="State interval",
        description=(
            "A STATE goes out as soon as all rows before it are settled; one that has waited so many seconds makes all "
            f"sinks {settle} what they hold."
        ),
    )


def upsert_settings(*own: th.Property[t.Any]) -> dict[str, t.Any]:
    """Return the settings schema of a target: its own settings first, then the shared ones.

    One of its own outranks a shared one of the same name, such as one whose meaning is narrower at its service.
    """
    shared = (
        ledger_url("runs, outcomes and links"),
        mode(
            ["apply", "plan", "adopt"],
            "`apply` writes; `plan` reads and compares only, keeps what it would do for `sync-ledger plan` and "
            "`sync-ledger apply`, and passes no STATE; `adopt` links rows to the records that are there, writes "
            "nothing but external IDs, and passes no STATE.",
        ),
        th.Property(
            "adopt",
            th.StringType,
            default="external_ids",
            allowed_values=["external_ids", "links_only"],
            title="Adoption",
            description=(
                "What to do with a record that a match rule found: write the external ID into it, or keep the link in "
                "the ledger only."
            ),
        ),
        th.Property(
            "match_rules",
            th.ObjectType(additional_properties=th.ArrayType(th.ObjectType(additional_properties=True))),
            title="Match rules",
            description=(
                "How a row without link and external ID finds its record, per stream and in order, like "
                '`{"organizations": [{"on": "Tax ID", "as": "tax_id"}, {"on": ["name", "E-mail"], "as": ["name", '
                '"domain"]}]}`. Several hits are held unless `policy` is `oldest`, `newest` or `most_complete`.'
            ),
        ),
        th.Property(
            "field_rules",
            th.ObjectType(additional_properties=True),
            title="Field rules",
            description=(
                "When a mapped field may be written, per stream and field (`*` for all others): `always`, "
                '`only_if_empty`, `only_on_create`, `never_clear`, or a list of them, like `{"organizations": '
                '{"name": "only_on_create"}}`.'
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
        state_interval("write"),
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
        th.Property(
            "daily_budget",
            th.IntegerType(minimum=1),
            title="Daily budget",
            description=(
                "What all runs on the account may use between one midnight UTC and the next, in the unit the service "
                "charges (tokens, credits, messages), counted in the ledger. Optional; what the service itself says is "
                "left always counts. When it is used up, the rows left are kept and the next run goes on with them."
            ),
        ),
        th.Property(
            "budget_reserve",
            th.IntegerType(minimum=0),
            default=0,
            title="Budget reserve",
            description="How much of the daily budget is left to other programs on the account.",
        ),
        th.Property(
            "deletions",
            th.ObjectType(additional_properties=th.ObjectType(additional_properties=True)),
            title="Deletions",
            description=(
                "What to do with the record of a source row that is gone (`_sdc_deleted_at` is set, or a field has one "
                'of the values in `when`), per stream: `{"organizations": {"do": "delete", "when": {"JDE Status": '
                '["Closed"]}}}`; `do` is `archive`, `flag` (with `field` and `value`) or `delete`. Without it such '
                "rows are skipped and their records left alone."
            ),
        ),
        th.Property(
            "delete_guard_rows",
            th.IntegerType(minimum=0),
            default=100,
            title="Delete guard, rows",
            description="Most records a run may archive, flag or delete; if there are more, all of them are held.",
        ),
        th.Property(
            "delete_guard_percent",
            th.IntegerType(minimum=0, maximum=100),
            title="Delete guard, share",
            description=(
                "Largest share of a stream's linked records, in percent, that a run may archive, flag or delete; if "
                "there are more, all of them are held."
            ),
        ),
        th.Property(
            "failure_guard_percent",
            th.IntegerType(minimum=0, maximum=100),
            title="Failure guard",
            description=(
                "Share of rows, in percent, that may be held, rejected or failed before the run ends with an error; "
                "looked at once 20 rows have come."
            ),
        ),
        th.Property(
            "undo_file",
            th.StringType,
            title="Undo file",
            description=(
                "File that gets every record, whole, before it is archived, flagged or deleted; `sync-ledger undo` "
                "reads it. Without it the file stands beside a SQLite ledger as `<ledger>.undo.jsonl`, else in the "
                "working directory as `sync-ledger.undo.jsonl`."
            ),
        ),
    )
    names = {setting.name for setting in own}
    return settings_schema(*own, *(setting for setting in shared if setting.name not in names))


def check_environment(schema: Mapping[str, t.Any], prefix: str) -> None:
    """Check the settings given as environment variables whose text singer-sdk 0.54.9 turns into numbers and objects.

    Raises:
        ConfigError: Naming the first variable that holds none.
    """
    for name, setting in schema["properties"].items():
        variable = prefix + name.upper()
        text = os.environ.get(variable)
        if text is not None and "integer" in setting.get("type", ()) and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
            raise ConfigError(f"{variable} must be a whole number, not {text!r}")
        if text is not None and "object" in setting.get("type", ()):
            try:
                fits = isinstance(json.loads(text), dict)
            except ValueError:
                fits = False
            if not fits:
                raise ConfigError(f'{variable} must be a JSON object, like {{"organizations": ...}}')


def nested(config: Mapping[str, t.Any], schema: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Undo what Meltano does to settings that are objects when it hands them over in the environment.

    It joins the keys of objects in objects (`{"organizations.name": "only_on_create"}`), though it keeps them apart in
    a configuration file. The keys of our own objects begin with a stream, none of which has a dot in its name.

    Args:
        config: Settings as read from the environment.
        schema: JSON schema of the settings; those of the SDK are left alone.
    """
    shared = {"stream_maps", "stream_map_config", "faker_config"}
    objects = {name for name, setting in schema["properties"].items() if "object" in setting.get("type", ())} - shared
    return {
        name: _nested(value) if name in objects and isinstance(value, dict) else value for name, value in config.items()
    }


def _nested(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {}
    for path, value in given.items():
        place, *rest = path.split(".")
        inside = result
        for key in rest:
            step = inside.get(place)
            inside[place] = inside = step if isinstance(step, dict) else {}
            place = key
        inside[place] = value
    return result
