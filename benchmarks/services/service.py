"""What the benchmark of the targets needs to know of a service."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, t.Any]
Account = dict[str, t.Any]
"""What the emulator says of itself: address and credentials."""


@dataclass(frozen=True)
class Service:
    """A service, with the loop people write for it.

    Attributes:
        name: Name at the emulators.
        unit: What it charges calls in.
        stream: Stream of companies.
        name_field: Field of a company's name.
        settings: Settings of the target for an account, by variable.
        loop: Writes rows one after the other.
        others: Further programs that write rows, by the name of their keys.
        prepare: Makes what a new account lacks, with the target's settings.
        listing: Endpoint that lists records; rows per call are told of it where it is given.
        options: Options of the emulator.
        switches: Switches that lift its limits.
        prefix: Before the keys of its results.
    """

    name: str
    unit: str
    stream: str
    name_field: str
    settings: Callable[[Account], Mapping[str, str]]
    loop: Callable[[Account, list[Row]], None]
    listing: str
    others: Mapping[str, Callable[[Account, list[Row]], None]] = field(default_factory=dict)
    prepare: Callable[[Account, Mapping[str, str]], None] | None = None
    options: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def target(self) -> str:
        """The target's command."""
        return f"target-{self.name}"

    def variable(self, setting: str) -> str:
        """Return the variable of one of the target's settings."""
        return f"TARGET_{self.name.upper()}_{setting.upper()}"

    def schema(self) -> dict[str, t.Any]:
        """Return the SCHEMA message."""
        properties = {
            "id": {"type": "string"},
            self.name_field: {"type": "string"},
            "Credit Limit": {"type": ["number", "null"]},
            "Tax ID": {"type": ["string", "null"]},
        }
        return {"type": "SCHEMA", "stream": self.stream, "key_properties": ["id"], "schema": {"properties": properties}}

    def row(self, number: int) -> Row:
        """Return a made-up company."""
        values = {self.name_field: f"Customer {number}", "Credit Limit": number * 10, "Tax ID": f"DE{number:09d}"}
        return {"id": str(number), **values}
