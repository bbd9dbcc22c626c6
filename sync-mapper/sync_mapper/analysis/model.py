"""What an analysis is asked, and what it answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from sync_mapper.analysis.shapes import ANY

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from sync_mapper.analysis.shapes import Shape

ERRORS = frozenset(
    {
        "not_an_expression",
        "not_available",
        "unknown_config",
        "unknown_function",
        "unknown_name",
        "unknown_table",
        "wrong_call",
        "wrong_type",
    }
)
"""Codes of problems that make an expression fail at every row; all others depend on the row."""

NOTES = frozenset({"absent_field"})
"""Codes of what is not wrong."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with an expression.

    Attributes:
        code: What kind of problem, such as `null_unsafe`.
        message: What is wrong, in one sentence without a full stop.
        remedy: What to do about it.
        column: Characters of the expression before the place, counted over all its lines; 0 for its beginning.
        field: Field of the row whose null would do harm, where it is one and not a part or a computed value.
    """

    code: str
    message: str
    remedy: str
    column: int = 0
    field: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether the expression fails at every row."""
        return self.code in ERRORS

    @property
    def is_note(self) -> bool:
        """Whether nothing is wrong."""
        return self.code in NOTES


@dataclass(frozen=True)
class Scope:
    """What an expression can see.

    Attributes:
        properties: Properties of the source stream's schema; None if the stream is not known yet, when any name may be
            one of them.
        config: `stream_map_config`.
        expressions: Named expressions, in the order of the mapping; each sees those before it.
        tables: Code tables: their codes and texts, or None where they are only known in a run.
        own: Schema of the source property of the same name, for `self`; None if there is none.
        computed: Names the same map computes, to explain why they cannot be used.
        streams: Names of all streams, to explain why other streams cannot be used.
        condition: Filter of the map, which holds for every row the expression is evaluated for; None if there is none.
        is_open: Whether the schema says that rows may have other properties than it names.
    """

    properties: Mapping[str, t.Any] | None = None
    config: Mapping[str, t.Any] = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[t.Any, t.Any] | None] = field(default_factory=dict)
    own: Mapping[str, t.Any] | None = None
    computed: AbstractSet[str] = frozenset()
    streams: AbstractSet[str] = frozenset()
    condition: str | None = None
    is_open: bool = False


@dataclass(frozen=True)
class Analysis:
    """What is known of an expression's value before there is a row.

    Attributes:
        schema: JSON Schema of the value, null included; None if the type cannot be told.
        nullable: Whether the value may be null.
        problems: What is wrong, by place.
        shape: All that is known of the value.
        uses: Source properties it reads.
        names: Named expressions and code tables it uses, as `("expression", name)` and `("table", name)`.
        inside: What is wrong with the named expressions it uses, as they are used here.
    """

    schema: dict[str, t.Any] | None
    nullable: bool
    problems: tuple[Problem, ...] = ()
    shape: Shape = ANY
    uses: frozenset[str] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()
    inside: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
