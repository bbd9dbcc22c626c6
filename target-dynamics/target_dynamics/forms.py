"""The forms in which Dataverse keeps values, so that what is sent and what is read later are equal."""

from __future__ import annotations

import decimal
import functools
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable


def text(value: str) -> str | None:
    """Return a text without blanks at its end; nothing if there is nothing else."""
    return value.rstrip() or None


def memo(value: str) -> str | None:
    """Return a text of several lines with one kind of line end, whichever form it was typed into."""
    return text(value.replace("\r\n", "\n").replace("\r", "\n"))


@functools.cache
def rounded(decimals: int) -> Callable[[float], float]:
    """Return what rounds an amount half up to so many decimals; whole amounts come out as whole numbers."""
    step = decimal.Decimal(1).scaleb(-decimals)

    def form(value: float) -> float:
        if isinstance(value, int):
            return value
        with decimal.localcontext() as context:
            context.prec = 400  # a float has at most 309 digits before its point
            exact = decimal.Decimal(str(value)).quantize(step, rounding=decimal.ROUND_HALF_UP)
        return int(exact) if exact == exact.to_integral_value() else float(exact)

    return form
