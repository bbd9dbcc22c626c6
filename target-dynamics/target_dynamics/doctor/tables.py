"""What `doctor` says of one table: rights, columns with the alternate key, and what the service can do with it."""

from __future__ import annotations

import typing as t

from doctor_findings import failed, good, of_error, warning
from sync_ledger.errors import ConfigError, ServiceUnavailableError

from target_dynamics.doctor.privileges import NEEDED, lack

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from doctor_findings import Finding

    from target_dynamics.client import DynamicsClient
    from target_dynamics.messages import Messages
    from target_dynamics.setup.wanted import Lacking
    from target_dynamics.tables import Table

_WIDTH: t.Final = 16
_GIVE: t.Final = "give a security role of the application user these privileges for the whole organisation"
_SETUP: t.Final = "target-dynamics setup makes them"


def check(entity: str, what: str) -> str:
    """Return the name of a check of a table, no longer than there is room for in the list."""
    return f"{entity[: _WIDTH - len(what) - 1]} {what}"


def rights(client: DynamicsClient, table: Table, levels: Mapping[str, str], *, deletes: bool) -> Finding:
    """Judge the privileges on a table.

    Args:
        client: Client of the environment.
        table: The table.
        levels: Id of a privilege held -> access level.
        deletes: The settings want rows deleted.
    """
    name = check(table.entity, "rights")
    privileges = _asked(client, table, "Privileges").get("Privileges")
    if not isinstance(privileges, list):
        return warning(name, "the metadata does not tell the table's privileges", "try a load in mode plan")
    found = lack(privileges, levels, (*NEEDED, *(["Delete"] if deletes else [])))
    if found.needed:
        return failed(name, f"the roles lack {', '.join(found.needed)}", _GIVE)
    if found.narrow:
        return warning(
            name,
            f"{', '.join(found.narrow)} do not hold for the whole organisation: rows of others are not seen or written",
            _GIVE,
        )
    if found.lookups:
        return warning(name, f"lookups cannot be written: the roles lack {', '.join(found.lookups)}", _GIVE)
    return good(name, f"may be read, created{', written and deleted' if deletes else ' and written'} throughout")


def columns(entity: str, missing: Lacking, holder: str) -> Iterator[Finding]:
    """Judge the columns of a table and its alternate key.

    Args:
        entity: Its entity set.
        missing: What it lacks.
        holder: Setting `external_id_field`.
    """
    name = check(entity, "columns")
    for conflict in missing.conflicts:
        yield of_error(name, ConfigError(conflict), otherwise="see the table's columns in the maker portal")
    for key in missing.failed:
        yield failed(
            name,
            f"the index of alternate key {key.name} failed: rows share an external ID",
            f"target-dynamics setup {entity} names them; correct them and run it again",
        )
    for key in missing.waiting:
        yield failed(
            name,
            f"the index of alternate key {key.name} is still being built ({key.status})",
            f"wait, or run target-dynamics setup {entity}, which waits for it",
        )
    labels = [one.label for one in missing.columns]
    labels += [f"{one.label} (options {', '.join(options)})" for one, _, options in missing.options]
    if missing.keys and holder not in labels:
        labels.append(f"an alternate key on {', '.join(missing.keys)}")
    if labels == [holder]:
        text = f"{entity} lacks {holder}; the stream {entity} cannot be loaded"
        yield warning(name, text, f"{_SETUP} if that is wanted")
    elif labels:
        yield failed(name, f"{entity} lacks {', '.join(labels)}", _SETUP)
    elif not missing and not missing.conflicts:
        yield good(name, f"{holder} is there with an active alternate key, and all columns of the settings are there")


def capabilities(client: DynamicsClient, table: Table, messages: Messages, *, duplicates: bool) -> Iterator[Finding]:
    """Tell how a table is written and how its changes can be read.

    Args:
        client: Client of the environment.
        table: The table.
        messages: Which tables take bulk messages.
        duplicates: The settings want duplicate detection.
    """
    found = _asked(client, table, "ChangeTrackingEnabled,IsDuplicateDetectionEnabled")
    tracked = "on" if found.get("ChangeTrackingEnabled") else "off (this target does without)"
    lacking = [one for one in ("CreateMultiple", "UpdateMultiple") if not messages.has(table.logical, one)]
    how = f"no {' and '.join(lacking)}: rows go as single requests in batches" if lacking else "by bulk messages"
    yield good(check(table.entity, "bulk"), f"{how}; change tracking is {tracked}")
    detection = found.get("IsDuplicateDetectionEnabled")
    if duplicates and isinstance(detection, dict) and not detection.get("Value"):
        yield warning(
            check(table.entity, "rules"),
            "duplicate_detection is set, but duplicate detection is off for the table",
            "switch it on for the table and publish rules, or set duplicate_detection to false",
        )


def _asked(client: DynamicsClient, table: Table, columns: str) -> Mapping[str, t.Any]:
    data = client.get(f"/EntityDefinitions(LogicalName='{table.logical}')", {"$select": columns}).data
    if not isinstance(data, dict):
        raise ServiceUnavailableError(f"Dataverse does not tell the metadata of {table.logical}")
    return data
