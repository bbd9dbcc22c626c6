"""What a new account has: credentials, numbers, a Messaging Service. All follow from the seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from service_emulators.handed_out import hand_out
from service_emulators.twilio.tables import ACCOUNT, SENDERS

if TYPE_CHECKING:
    from service_emulators.database import Database

FROM_NUMBER = "+12025550100"
POOL = ("+12025550101", "+12025550102")
TEST_FROM = "+15005550006"


def digits(seed: int, purpose: str) -> str:
    """Returns 32 hexadecimal digits."""
    return hashlib.md5(f"{seed}/{purpose}".encode(), usedforsecurity=False).hexdigest()


def sid(prefix: str, seed: int, purpose: str) -> str:
    """Returns a SID of 34 characters."""
    return prefix + digits(seed, f"{prefix} {purpose}")


def secret(seed: int, purpose: str) -> str:
    """Returns a credential of the emulated account; nothing real hangs on it."""
    return hand_out(digits(seed, purpose), f"{purpose} of Twilio")


def populate(database: Database, seed: int, service_sid: str) -> None:
    """Fills an empty database; one that was filled before is left alone."""
    connection = database.connection
    if connection.execute(select(ACCOUNT.c.id)).first() is not None:
        return
    connection.execute(insert(ACCOUNT).values(id=1, seed=seed))
    for number in (FROM_NUMBER, *POOL):
        connection.execute(
            insert(SENDERS).values(
                number=number,
                sid=sid("PN", seed, number),
                service_sid=service_sid if number in POOL else None,
                free_at=0.0,
            )
        )
    database.commit()
