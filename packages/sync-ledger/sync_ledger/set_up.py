"""What the command `setup` of a target says and asks: what is missing is shown, then made when the answer is yes."""

from __future__ import annotations

import json
import typing as t

import click

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


class Lacking(t.Protocol):
    """What an entity lacks; true if it lacks something."""

    @property
    def conflicts(self) -> Sequence[str]:
        """What stands in the way; nothing is changed about it."""

    def __bool__(self) -> bool:
        """Return whether something can be made."""


_Lacks = t.TypeVar("_Lacks", bound=Lacking)


def show_and_make(
    missing: Mapping[str, _Lacks],
    make: Callable[[str], None],
    *,
    service: str,
    lines: Callable[[str, _Lacks], Iterable[str]],
    report: Callable[[_Lacks], Mapping[str, t.Any]],
    yes: bool,
    as_json: bool,
) -> bool:
    """Show what is missing, ask, and make it.

    Args:
        missing: Entity -> what it lacks, in the order in which it is made.
        make: Makes what one entity lacks.
        service: The service, for the question.
        lines: Returns a line for each thing an entity lacks.
        report: Returns the same as JSON data; `conflicts` is added.
        yes: Make it without asking.
        as_json: Print one JSON object in place of lines, and ask nothing: without `yes` nothing is made.

    Returns:
        Whether nothing is missing any more and nothing stands in the way.
    """
    if as_json:
        told = {entity: {**report(one), "conflicts": list(one.conflicts)} for entity, one in missing.items()}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif any(missing.values()):
        click.echo("Missing:")
        for entity, one in missing.items():
            for line in lines(entity, one):
                click.echo(f"  {line}")
    else:
        click.echo("Nothing is missing.")
    conflicts = [conflict for one in missing.values() for conflict in one.conflicts]
    for conflict in conflicts:
        click.echo(f"In the way: {conflict}", err=True)
    if any(missing.values()):
        if not yes and (as_json or not click.confirm(f"Make them in {service}?")):
            return False
        for entity, one in missing.items():
            if one:
                make(entity)
    return not conflicts


def quiet(_: str) -> None:
    """Say nothing: the one JSON object has told it."""
