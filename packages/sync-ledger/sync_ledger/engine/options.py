"""How a run behaves, as the settings say."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Options:
    """How a run behaves.

    Attributes:
        mode: `apply` writes, `plan` reads and compares only, `adopt` links what is there.
        full_sweep_after: Age at which the index is read anew as a whole.
        adopt: What to do with a record a match rule found: `external_ids` writes the external ID into it, `links_only`
            keeps the link in the ledger alone.
        match_rules: Entity -> its match rules, as the setting has them.
        field_rules: Entity -> its field rules, as the setting has them.
        deletions: Entity -> what to do when its source row is gone, as the setting has it.
        delete_guard_rows: Most deletions of one run; None for any number.
        delete_guard_percent: Largest share of an entity's linked records one run may delete; None for any.
        failure_guard_percent: Share of rows that may fail before the run ends; None for any.
        undo_file: Where records are kept before they are deleted.
    """

    mode: str = "apply"
    full_sweep_after: timedelta = timedelta(days=7)
    adopt: str = "external_ids"
    match_rules: Mapping[str, t.Any] = field(default_factory=dict)
    field_rules: Mapping[str, t.Any] = field(default_factory=dict)
    deletions: Mapping[str, t.Any] = field(default_factory=dict)
    delete_guard_rows: int | None = None
    delete_guard_percent: int | None = None
    failure_guard_percent: int | None = None
    undo_file: Path = Path("sync-ledger.undo.jsonl")

    @property
    def planning(self) -> bool:
        """Whether the run only plans."""
        return self.mode == "plan"

    @property
    def adopting(self) -> bool:
        """Whether the run only links records that are there."""
        return self.mode == "adopt"
