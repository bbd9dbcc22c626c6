"""Audit stamps of the sample data, with what real tables hold: mass updates, direct loads, rows never stamped."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian

if TYPE_CHECKING:
    from datetime import date
    from random import Random

Stamp = tuple[str, str, str, "int | None", "int | None"]

AUDIT = ("USER", "PID", "JOBN", "UPMJ", "UPMT")
_USERS = ("JDE", "MSMITH", "KWEBER", "APETIT")
_PROGRAMS = ("EP01012", "EP03013", "ER01012", "EP0115")
_STATIONS = ("JDEWEB01", "JDEWEB02", "ENT01")
_DAYS = 6 * 365
_MASS_UPDATES = 12


def within(chance: float, low: int, high: int) -> bool:
    """Tell whether a number drawn between 0 and 1 falls between two percentages."""
    return low <= chance * 100 < high


class Stamps:
    """Draws stamps of the last six years, up to the day before ``today``.

    Of 100 rows about 6 carry the same day and second as hundreds of others (mass updates), 2 a day without a time
    (direct SQL loads) and 2 no stamp at all, null or 0.

    Args:
        random: Source of chance.
        today: The server's date.
        programs: Four programs that save such rows.
    """

    def __init__(self, random: Random, today: date, programs: tuple[str, str, str, str] = _PROGRAMS) -> None:
        self._random = random
        self._programs = programs
        self._days = [to_julian(today - timedelta(days=back)) for back in range(1, _DAYS + 1)]
        self._mass = [(self._day(), self._time()) for _ in range(_MASS_UPDATES)]

    def _day(self) -> int:
        return self._days[int(self._random.random() * _DAYS)]

    def _time(self) -> int:
        second = 6 * 3600 + int(self._random.random() * 14 * 3600)
        return second // 3600 * 10000 + second // 60 % 60 * 100 + second % 60

    def draw(self, day: int | None = None) -> Stamp:
        """Return USER, PID, JOBN, UPMJ and the time; rows saved in the usual way bear ``day`` if one is given."""
        chance = self._random.random()
        who = int(chance * 1e6) % 12
        user, program, station = _USERS[who % 4], self._programs[who % 4], _STATIONS[who % 3]
        if within(chance, 0, 90):
            return (user, program, station, self._day() if day is None else day, self._time())
        if within(chance, 90, 96):
            return ("JDE", "R01490", "ENT01", *self._mass[who])
        if within(chance, 96, 98):
            return ("", "SQLLOAD", "", self._day(), 0)
        return ("", "", "", *((None, None) if who % 2 else (0, 0)))
