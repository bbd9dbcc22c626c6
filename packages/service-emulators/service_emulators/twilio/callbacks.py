"""Signed calls to webhooks: status callbacks, and texts that come in (fact sheet section 8)."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from service_emulators.posting import post
from service_emulators.twilio.signing import signature
from service_emulators.twilio.tables import CALLBACKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.twilio.store import Store
    from service_emulators.twilio.switches import TwilioSwitches

HELD, WAITING, DONE, LOST = "held", "waiting", "done", "lost"
_CLIENT_ERRORS, _SERVER_ERRORS, _LAST_STATUS = 400, 500, 600


@dataclass(frozen=True)
class Retries:
    """What the fragment of a webhook's address overrides: `#ct=2000&rt=5000&tt=15000&rc=3&rp=4xx,5xx,ct,rt`.

    Attributes:
        connect_ms: time to connect.
        read_ms: time to wait for an answer.
        count: how often to try again.
        on: which failures are tried again.
    """

    connect_ms: int = 5000
    read_ms: int = 15000
    count: int = 1
    on: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Retries:
        """Reads the fragment of an address; what is not a number keeps its default."""
        given = dict(parse_qsl(urlsplit(url).fragment))
        total = _number(given.get("tt"), 15000)
        policy = given.get("rp")
        return cls(
            connect_ms=min(_number(given.get("ct"), 5000), total),
            read_ms=min(_number(given.get("rt"), 15000), total),
            count=min(_number(given.get("rc"), 1), 5),
            on=frozenset(policy.split(",")) if policy else frozenset({"ct"}),
        )

    def again(self, result: int | str) -> bool:
        """Returns whether such a result is tried again."""
        if isinstance(result, str):
            return result in self.on or "all" in self.on
        if _CLIENT_ERRORS <= result < _SERVER_ERRORS:
            return "4xx" in self.on or "all" in self.on
        return _SERVER_ERRORS <= result < _LAST_STATUS and ("5xx" in self.on or "all" in self.on)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


class Callbacks:
    """Calls to make and their results.

    Args:
        store: the data.
        switches: what happens to calls on their way.
        clock: the emulator's clock.
        auth_token: key of the signatures.
    """

    def __init__(self, store: Store, switches: TwilioSwitches, clock: EmulatorClock, auth_token: str) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._auth_token = auth_token

    def plan(self, sid: str, url: str, parameters: Mapping[str, str], *, final: bool, status: bool = True) -> None:
        """Takes note of a call to make; under the store's lock.

        Args:
            sid: message or call it is about.
            url: webhook, with what overrides the rules of repeating in its fragment.
            parameters: form parameters.
            final: nothing follows for this message.
            status: a status callback, which the switches may disturb.
        """
        switches, content = self._switches, msgspec.json.encode(dict(parameters)).decode()
        count = self._store.count(CALLBACKS, CALLBACKS.c.sid == sid)
        chance = random.Random(f"{sid}/{count}")  # noqa: S311 - the same calls are lost each time
        token = hashlib.sha256(f"{sid}/{count}/{content}".encode()).hexdigest()[:36]
        due = self._clock.seconds()
        copies, held = 1, False
        if status:
            copies = switches.callback_copies
            if chance.random() * 100 < switches.callback_lost_percent:
                copies = 0
            held = switches.callback_order != "as_made" and not final
            due += switches.callback_delay_ms / 1000
        row: dict[str, Any] = {
            "sid": sid,
            "url": url,
            "parameters": content,
            "token": token,
            "due_at": due,
            "position": float(count),
        }
        for _ in range(max(copies, 1)):
            self._store.add(CALLBACKS, **row, state=LOST if not copies else HELD if held else WAITING)
        if final and status:
            self._release(sid, due, chance)

    def _release(self, sid: str, due: float, chance: random.Random) -> None:
        order = self._switches.callback_order
        waiting = (CALLBACKS.c.sid == sid) & CALLBACKS.c.state.in_([HELD, WAITING])
        for row in self._store.rows(CALLBACKS, waiting):
            position = {"as_made": row["position"], "reversed": -row["id"]}.get(order, chance.random())
            self._store.change(
                CALLBACKS, CALLBACKS.c.id == row["id"], state=WAITING, due_at=due, position=float(position)
            )

    def next_at(self) -> float | None:
        """Returns when the next call is due; under the store's lock."""
        rows = self._store.rows(CALLBACKS, CALLBACKS.c.state == WAITING, order=CALLBACKS.c.due_at, limit=1)
        return float(rows[0]["due_at"]) if rows else None

    def make(self) -> bool:
        """Makes the first call that is due; returns whether there was one. Not under the lock: receivers may ask."""
        with self._store.lock:
            due = (CALLBACKS.c.state == WAITING) & (CALLBACKS.c.due_at <= self._clock.seconds())
            rows = self._store.rows(CALLBACKS, due)
            if not rows:
                return False
            row = min(rows, key=lambda one: (one["due_at"], one["position"], one["id"]))
        results = self._call(row)
        with self._store.lock:
            self._store.change(
                CALLBACKS, CALLBACKS.c.id == row["id"], state=DONE, results=msgspec.json.encode(results).decode()
            )
            self._store.commit()
        return True

    def _call(self, row: Row) -> list[int | str]:
        parameters: dict[str, str] = msgspec.json.decode(row["parameters"])
        rules = Retries.of(row["url"])
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": signature(self._auth_token, row["url"], parameters.items()),
            "I-Twilio-Idempotency-Token": row["token"],
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        results: list[int | str] = []
        for _ in range(rules.count + 1):
            results.append(
                post(
                    row["url"],
                    urlencode(parameters).encode(),
                    headers,
                    connect_seconds=rules.connect_ms / 1000,
                    read_seconds=rules.read_ms / 1000,
                )
            )
            if not rules.again(results[-1]):
                break
        return results

    def public(self, limit: int) -> list[dict[str, Any]]:
        """Returns the last calls, oldest first, with what came of them."""
        with self._store.lock:
            rows = self._store.rows(CALLBACKS, order=CALLBACKS.c.id.desc(), limit=limit)
        return [
            {
                "sid": row["sid"],
                "url": row["url"],
                "parameters": msgspec.json.decode(row["parameters"]),
                "state": row["state"],
                "results": msgspec.json.decode(row["results"]),
            }
            for row in reversed(rows)
        ]
