"""Notices: the first failure after a success, and the first success after a failure."""

from __future__ import annotations

import logging
import subprocess
import time
import typing as t

import backoff
import msgspec
import requests
from sqlalchemy import and_, select

from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import failing
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Engine

logger = logging.getLogger("sync_ledger")

COMMAND_SECONDS: t.Final = 30
URL_SECONDS: t.Final = 10
_TRIES: t.Final = 3
_TOO_MANY: t.Final = 429
_SERVER_ERROR: t.Final = 500


def turned(database: Engine, target: str, destination: str, run_id: int | None, *, failed: bool) -> str | None:
    """Note how a run ended; return `failure` or `recovery` if that is news, else None."""
    here = and_(failing.c.target == target, failing.c.destination == destination)
    with database.begin() as connection:
        was = connection.execute(select(failing.c.since).where(here)).one_or_none() is not None
        if failed and not was:
            row = {"target": target, "destination": destination, "since": now(), "run_id": run_id}
            upsert(connection, failing, [row])
        elif was and not failed:
            connection.execute(failing.delete().where(here))
    if failed == was:
        return None
    return "failure" if failed else "recovery"


def run_command(command: Sequence[str], notice: Mapping[str, t.Any], *, seconds: float = COMMAND_SECONDS) -> bool:
    """Run a command with the notice as JSON on its standard input; False, and a line in the log, if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, without a shell
            list(command), input=msgspec.json.encode(notice), capture_output=True, timeout=seconds, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        # Arguments may hold what is nobody's business, so only the program is named.
        kind = f"took more than {seconds} s" if isinstance(error, subprocess.TimeoutExpired) else type(error).__name__
        logger.warning("notify_command %s failed: %s", command[0], kind)
        return False
    if done.returncode:
        logger.warning("notify_command %s ended with %d", command[0], done.returncode)
    return done.returncode == 0


def post(
    url: str,
    notice: Mapping[str, t.Any],
    *,
    seconds: float = URL_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Send the notice as JSON by POST, repeated when that may help; False, and a line in the log, if it fails."""
    waits = backoff.expo(base=2, factor=1, max_value=8)
    next(waits)  # the generator's first value only primes it
    problem = ""
    for tries in range(1, _TRIES + 1):
        try:
            answer = requests.post(
                url,
                data=msgspec.json.encode(notice),
                headers={"content-type": "application/json", "user-agent": "sync-ledger"},
                timeout=seconds,
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            problem = type(error).__name__  # its text would repeat the address, which may be a secret
        else:
            if answer.ok:
                return True
            problem = f"HTTP {answer.status_code}"
            if answer.status_code != _TOO_MANY and answer.status_code < _SERVER_ERROR:
                break
        if tries < _TRIES:
            sleep(next(waits))
    logger.warning("The notice could not be sent to notify_url: %s", problem)
    return False
