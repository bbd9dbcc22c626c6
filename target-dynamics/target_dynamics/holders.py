"""The column that holds the external ID in a table, and the alternate key that keeps it unique."""

from __future__ import annotations

import typing as t

from sync_ledger.errors import ConfigError

from target_dynamics.choices import label_of
from target_dynamics.metadata import ACTIVE, FAILED
from target_dynamics.naming import logical_name

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from target_dynamics.metadata import Key, Metadata


def holding_column(entity: str, metadata: Metadata, wanted: str, prefix: str) -> str:
    """Return the logical name of the column that holds the external ID.

    Raises:
        ConfigError: If there is no such column, if there are several, or if it cannot keep two rows apart.
    """
    head = f"setting external_id_field {wanted!r}: "
    found = find_column(metadata, wanted, prefix)
    if len(found) > 1:
        raise ConfigError(
            f"{head}{entity} has {len(found)} columns with that label; use the logical name, one of {', '.join(found)}"
        )
    if not found:
        raise ConfigError(
            f"{head}{entity} has no such column; `target-dynamics setup {entity}` makes it, a text column with an"
            " alternate key"
        )
    (name,) = found
    item = metadata.columns[name]
    if item["Kind"] != "String" or not item.get("IsValidForCreate") or not item.get("IsValidForUpdate"):
        raise ConfigError(
            f"{head}column {name} of {entity} is no text column that can be written; name another one, or let"
            " `target-dynamics setup` make one"
        )
    key = key_on(metadata.keys, name)
    if key is None:
        raise ConfigError(
            f"{head}column {name} of {entity} has no alternate key of its own, so that Dataverse would not keep two"
            f" rows of one external ID apart; `target-dynamics setup {entity}` makes it"
        )
    if key.status == FAILED:
        raise ConfigError(
            f"{head}the index of alternate key {key.name} of {entity} failed, because rows share a value of {name};"
            f" `target-dynamics setup {entity}` names them, and builds the index anew once they are corrected"
        )
    if key.status != ACTIVE:
        raise ConfigError(
            f"{head}the index of alternate key {key.name} of {entity} is still being built ({key.status});"
            f" `target-dynamics setup {entity}` waits for it"
        )
    return name


def key_on(keys: Sequence[Key], column: str) -> Key | None:
    """Return the alternate key on one column alone, an active one first; None without one."""
    own = [key for key in keys if key.columns == (column,)]
    return next((key for key in own if key.status == ACTIVE), own[0] if own else None)


def find_column(metadata: Metadata, wanted: str, prefix: str) -> list[str]:
    """Return the logical names of the columns a setting may mean: by logical name, label, or as `setup` names them."""
    if wanted in metadata.columns:
        return [wanted]
    hits = [name for name, item in metadata.columns.items() if label_of(item.get("DisplayName")) == wanted]
    made = logical_name(wanted, prefix)
    return hits or [name for name in (made,) if name in metadata.columns]
