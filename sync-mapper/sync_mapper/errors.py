"""What ends a run of the mapper. Each error is one clear line for people; a bad row is none of these."""

from __future__ import annotations


class MapperError(Exception):
    """Base of what ends a run."""


class MappingError(MapperError):
    """The mapping cannot be used as it is written.

    Attributes:
        problems: One line for each problem, with file and line where they are known.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class InputError(MapperError):
    """What came on standard input is not what a Singer tap sends, or nothing a mapper can map."""


class TooManyUnmappedError(MapperError):
    """So many rows could not be mapped that the mapping is wrong rather than the rows."""


class RowError(Exception):
    """A row cannot be mapped, for a reason that quotes nothing of it and may stand in logs."""


class MapExpressionError(Exception):
    """An expression cannot be evaluated; named as the SDK names it."""


class StreamMapConfigError(Exception):
    """A map does not fit its stream; named as the SDK names it."""
