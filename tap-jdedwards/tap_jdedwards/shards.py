"""Parts of a stream for parallel processes, each with a state of its own (setting ``shard``).

A row belongs to a part by the value of a whole-number column of its key alone, so that processes that start at
different times over changing data still read each row exactly once between them; see :class:`jde_ais.Stripes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jde_ais import Stripes

from tap_jdedwards.dictionary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROGRESS = ("replication_key_value", "first_load", "full_table", "tables", "catch_up", "progress_markers")
_NUMBERS = (Kind.WHOLE, Kind.NUMBER, Kind.TIME)


class ShardError(ValueError):
    """The state belongs to another part than the one that is to be read."""


@dataclass(frozen=True)
class Part:
    """What this process reads of one stream.

    Attributes:
        shard: The setting: index and number of shards; None for all of everything.
        column: Key column that decides; None when the stream cannot be divided.
    """

    shard: tuple[int, int] | None
    column: str | None

    @classmethod
    def of(cls, shard: tuple[int, int] | None, key: Iterable[str], kinds: Mapping[str, Kind]) -> Part:
        """Find out how a stream is divided: by the first number of its key, if that is a whole one.

        Args:
            shard: The setting.
            key: Columns of the key of what is read.
            kinds: Their kinds.

        Returns:
            The part.
        """
        first = next((column for column in key if kinds[column] in _NUMBERS), None)
        return cls(shard, first if first is not None and kinds[first] is Kind.WHOLE else None)

    @property
    def is_whole(self) -> bool:
        """Whether this process reads all rows of the stream."""
        return self.shard is None or self.shard[1] == 1 or (self.column is None and self.shard[0] == 0)

    @property
    def is_nothing(self) -> bool:
        """Whether this process leaves the stream to the first one, because it cannot be divided."""
        return not self.is_whole and self.column is None

    @property
    def stripes(self) -> Stripes | None:
        """The part for walks by key; None for all rows."""
        return None if self.is_whole or self.shard is None else Stripes(*self.shard)

    def own(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Pick the rows of this part.

        Args:
            rows: Raw rows.

        Returns:
            Those that belong to it, in the same order.
        """
        stripes, column = self.stripes, self.column
        if stripes is None or column is None:
            return rows
        return [row for row in rows if stripes.owns(row[column])]

    def check(self, stream: str, state: Mapping[str, Any]) -> None:
        """Make sure that a state was written for this part.

        Args:
            stream: Name of the stream.
            state: Its incoming state.

        Raises:
            ShardError: When it was not.
        """
        if any(key in state for key in _PROGRESS) and state.get("shard") != self.to_state().get("shard"):
            raise ShardError(
                f"{stream}: the state was written {_shown(state.get('shard'))}, but the tap is to run "
                f"{_shown(self.to_state().get('shard'))}; give each shard a state of its own and leave the setting "
                "shard as it was, or start without this state to load anew"
            )

    def to_state(self) -> dict[str, Any]:
        """Write what belongs into the stream's state.

        Returns:
            ``{"shard": {"index": 0, "of": 4}}``; nothing without the setting.
        """
        return {} if self.shard is None else {"shard": {"index": self.shard[0], "of": self.shard[1]}}


def _shown(shard: Any) -> str:
    if not isinstance(shard, dict):
        return "without shard"
    return f"as shard {shard.get('index')} of {shard.get('of')}"
