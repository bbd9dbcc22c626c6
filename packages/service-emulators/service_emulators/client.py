"""Small Python clients of the emulators' control interface, for tests and scripts.

They use the standard library only, so that a script can steer an emulator without installing anything else.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT_SECONDS = 30
_RANDOM: dict[str, dict[str, Any]] = {
    "error before": {"kind": "status", "status": 500, "body": {"message": "Internal Error"}},
    "error after": {"kind": "status", "status": 503, "body": "down", "when": "after"},
    "retry after": {"kind": "status", "status": 503, "headers": {"Retry-After": "0"}},
    "reset before": {"kind": "reset"},
    "reset after": {"kind": "reset", "when": "after"},
    "truncated": {"kind": "truncate"},
    "slow": {"kind": "slow", "delay_ms": 50},
    "signed off": {"kind": "sign_off"},
}
KINDS = tuple(_RANDOM)
"""Ways to fail that `Control.random_faults` draws from; `signed off` is of services with sessions alone."""

_RANDOM["in part"] = {"kind": "partial"}
_RANDOM["too many requests"] = {
    "kind": "status",
    "status": 429,
    "body": {
        "code": "TOO_MANY_REQUESTS",
        "details": {},
        "message": "too many requests. please try again after some time",
        "status": "error",
    },
}
ZOHO_KINDS = tuple(_RANDOM)
"""The same for Zoho CRM: a batch that fails in part, and limits without Retry-After, come in addition."""

PROTECTION_CODES = {"requests": "0x80072322", "execution_ms": "0x80072321", "concurrency": "0x80072326"}
"""Codes of Dataverse's three protection limits."""

PROTECTION_MESSAGES = {
    "requests": "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    "execution_ms": "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time "
    "window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again "
    "later.",
    "concurrency": "Number of concurrent requests exceeded the limit of 52.",
}
"""What their refusals say, with the default limits."""


def _throttled(limit: str, retry_after: int) -> dict[str, Any]:
    body = {"error": {"code": PROTECTION_CODES[limit], "message": PROTECTION_MESSAGES[limit]}}
    return {"kind": "status", "status": 429, "headers": {"Retry-After": str(retry_after)}, "body": body}


_RANDOM.update({f"limit of {limit}": _throttled(limit, 0) for limit in PROTECTION_CODES})
DYNAMICS_KINDS = (*KINDS, *(f"limit of {limit}" for limit in PROTECTION_CODES))
"""The same for Dataverse: refusals by each of its three protection limits come in addition."""


class ControlRefused(Exception):  # noqa: N818 - it names what happened, as the other names of the interface do
    """The emulator did not carry out a control request."""


class Control:
    """Control interface of one running emulator.

    Args:
        url: base URL of the emulator.
    """

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Sends one control request and returns the decoded answer.

        Args:
            method: HTTP method.
            path: path below `/_emulator`.
            body: JSON data to send.

        Raises:
            ControlRefused: the emulator answered with an error.
        """
        connection = self._connection()
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_emulator{path}", content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 400:  # noqa: PLR2004 - HTTP's own line
            raise ControlRefused(f"{method} {path}: {response.status} {answer.decode('utf-8', 'replace')}")
        return json.loads(answer)

    def _connection(self) -> http.client.HTTPConnection:
        host = self._address.netloc
        if self._address.scheme != "https":
            return http.client.HTTPConnection(host, timeout=_TIMEOUT_SECONDS)
        # The emulator may be given an expired or foreign certificate on purpose; it is on loopback, so nothing is lost.
        unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
        return http.client.HTTPSConnection(host, timeout=_TIMEOUT_SECONDS, context=unchecked)

    def counters(self) -> dict[str, Any]:
        """Returns requests, writes, cost, rejected, by_endpoint and by_status since the last reset."""
        result: dict[str, Any] = self.call("GET", "/counters")
        return result

    def reset_counters(self) -> None:
        """Sets the counters to zero and empties the request log."""
        self.call("POST", "/counters/reset")

    def requests(self, limit: int = 100) -> list[dict[str, Any]]:
        """Returns the last requests, oldest first: method, path, query, body, status; secrets masked."""
        result: list[dict[str, Any]] = self.call("GET", f"/requests?limit={limit}")
        return result

    def fault(self, kind: str, **rule: Any) -> dict[str, Any]:
        """Puts a fault in force; keywords as in `service_emulators.faults.Fault`."""
        result: dict[str, Any] = self.call("POST", "/faults", {"kind": kind, **rule})
        return result

    def random_faults(self, percent: float, *, seed: int = 1, path: str = "", kinds: Sequence[str] = KINDS) -> None:
        """Lets a share of all requests fail, in many ways, for a soak test; the same seed draws the same.

        Args:
            percent: share of the requests to hit, of all kinds together.
            seed: decides which requests are hit.
            path: regular expression searched in the path.
            kinds: which of `KINDS`; for Zoho CRM of `ZOHO_KINDS`, for Dataverse of `DYNAMICS_KINDS`.
        """
        for place, kind in enumerate(kinds):
            rule = {"path": path, "probability_percent": percent / len(kinds), "seed": seed * 1000 + place}
            self.fault(**{"times": None, **_RANDOM[kind], **rule})

    def faults(self) -> list[dict[str, Any]]:
        """Returns the faults with their hits."""
        result: list[dict[str, Any]] = self.call("GET", "/faults")
        return result

    def clear_faults(self) -> None:
        """Takes all faults out of force."""
        self.call("DELETE", "/faults")

    def switches(self) -> dict[str, Any]:
        """Returns the switches and their values."""
        result: dict[str, Any] = self.call("GET", "/switches")
        return result

    def switch(self, **values: Any) -> dict[str, Any]:
        """Changes switches while the emulator runs and returns all of them."""
        result: dict[str, Any] = self.call("POST", "/switches", values)
        return result

    def set_clock(self, *, now: str | None = None, offset_seconds: float | None = None, running: bool = False) -> str:
        """Stops the emulator's clock at an ISO moment, or shifts it; without arguments it shows real time again.

        Args:
            now: moment to show.
            offset_seconds: distance to real time, or how far to move a stopped clock.
            running: go on from `now` instead of standing still there.
        """
        setting: dict[str, Any] = {"running": True} if running else {}
        if now is not None:
            setting["now"] = now
        if offset_seconds is not None:
            setting["offset_seconds"] = offset_seconds
        return str(self.call("POST", "/clock", setting)["now"])


class JdeControl(Control):
    """Control interface of the AIS emulator; column names are aliases (`AN8`, `ALPH`)."""

    def rows(self, table: str, where: dict[str, Any] | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns rows as they lie in the tables, dates as ISO text or None."""
        query: dict[str, Any] = {}
        if where:
            query["where"] = json.dumps(where)
        if limit is not None:
            query["limit"] = limit
        result: list[dict[str, Any]] = self.call("GET", f"/rows/{quote(table)}?{urlencode(query)}")["rows"]
        return result

    def update_rows(self, table: str, where: dict[str, Any], values: dict[str, Any], *, stamp: bool = True) -> int:
        """Changes rows as a JDE user would, with `stamp` under a new UPMJ/UPMT; returns how many."""
        body = {"where": where, "set": values, "stamp": stamp}
        return int(self.call("POST", f"/rows/{quote(table)}/update", body)["rows"])

    def insert_rows(self, table: str, rows: list[dict[str, Any]], *, stamp: bool = True) -> int:
        """Adds rows; returns how many."""
        return int(self.call("POST", f"/rows/{quote(table)}/insert", {"rows": rows, "stamp": stamp})["rows"])

    def delete_rows(self, table: str, where: dict[str, Any]) -> int:
        """Deletes rows; returns how many."""
        return int(self.call("POST", f"/rows/{quote(table)}/delete", {"where": where})["rows"])

    def schedule(self, after: int, action: str, table: str = "", **change: Any) -> None:
        """Puts a change off until so many further data requests were read (see `service_emulators.jde.changes`).

        Args:
            after: number of requests from now on, from 1.
            action: `update`, `insert`, `delete`, `expire_sessions` or `expire_results`.
            table: the table to change.
            **change: `where`, `set`, `rows`, `stamp`, and `of` to count requests for one table or view only.
        """
        self.call("POST", "/schedule", {"after": after, "action": action, "table": table, **change})

    def scheduled(self) -> list[dict[str, Any]]:
        """Returns the changes put off; `done` is the number of rows changed, null if it did not happen yet."""
        result: list[dict[str, Any]] = self.call("GET", "/schedule")
        return result

    def expire_sessions(self) -> None:
        """Lets all tokens die now."""
        self.call("POST", "/sessions/expire")

    def expire_results(self) -> None:
        """Lets all open result sets die now."""
        self.call("POST", "/results/expire")


class RecordControl(Control):
    """Control interface of a CRM emulator: records as users of the web application change them."""

    def add_record(self, entity: str, values: dict[str, Any]) -> dict[str, Any]:
        """Adds a record as a user in the web application would: without cost and limits."""
        result: dict[str, Any] = self.call("POST", f"/records/{quote(entity)}", values)
        return result

    def records(self, entity: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns the live records in the order of their ids."""
        suffix = "" if limit is None else f"?limit={limit}"
        result: list[dict[str, Any]] = self.call("GET", f"/records/{quote(entity)}{suffix}")
        return result

    def patch_record(self, entity: str, record_id: int | str, values: dict[str, Any]) -> dict[str, Any]:
        """Changes a record as a user would; the time of its last change moves."""
        result: dict[str, Any] = self.call("POST", f"/records/{quote(entity)}/{record_id}", values)
        return result

    def delete_record(self, entity: str, record_id: int | str) -> None:
        """Deletes a record as a user would."""
        self.call("DELETE", f"/records/{quote(entity)}/{record_id}")


class PipedriveControl(RecordControl):
    """Control interface of the Pipedrive emulator; custom fields are addressed by their label."""


class ZohoControl(RecordControl):
    """Control interface of the Zoho CRM emulator; modules and fields go by their API names, ids are text."""

    def restore_record(self, module: str, record_id: int | str) -> dict[str, Any]:
        """Brings a record back from the recycle bin."""
        result: dict[str, Any] = self.call("POST", f"/records/{quote(module)}/{record_id}/restore")
        return result

    def add_module(self, api_name: str, singular: str | None = None) -> None:
        """Adds a custom module."""
        self.call("POST", "/modules", {"api_name": api_name, "singular": singular or api_name})

    def hide_module(self, module: str, *, hidden: bool = True) -> None:
        """Hides a module, as an edition or a profile does, or shows it again."""
        self.call("POST", f"/modules/{quote(module)}", {"hidden": hidden})

    def automation(self) -> dict[str, dict[str, int]]:
        """Returns how many workflows, approvals and the like records have set off, by module and kind."""
        result: dict[str, dict[str, int]] = self.call("GET", "/automation")
        return result

    def credits(self) -> dict[str, int]:
        """Returns the credits of 24 hours (`limit`, 0 for none) and those `used`."""
        result: dict[str, int] = self.call("GET", "/credits")
        return result

    def expire_tokens(self) -> None:
        """Ends all access tokens; the refresh token stays good."""
        self.call("POST", "/tokens/expire")

    def revoke_tokens(self) -> None:
        """Shuts the app out: its refresh token is revoked."""
        self.call("POST", "/tokens/revoke")


class DynamicsControl(RecordControl):
    """Control interface of the Dataverse emulator; tables go by entity set names, values as the Web API takes them."""

    def set_user(
        self,
        *,
        roles: Sequence[str] = ("System Administrator",),
        missing: Sequence[str] = (),
        disabled: bool = False,
        present: bool = True,
    ) -> None:
        """Says what the application user is and may do; without arguments it may do everything again.

        Args:
            roles: names of its security roles; without any it may do nothing.
            missing: privileges that the roles do not hold, for example `prvCreateAccount`.
            disabled: it is disabled.
            present: the environment has such a user at all.
        """
        body = {"roles": list(roles), "missing": list(missing), "disabled": disabled, "present": present}
        self.call("POST", "/user", body)

    def limits(self) -> dict[str, dict[str, float]]:
        """Returns the protection limits, use `now`, the `most` used since `reset_limits`, and requests `refused`."""
        result: dict[str, dict[str, float]] = self.call("GET", "/limits")
        return result

    def throttle(self, limit: str, *, retry_after: int = 1, **rule: Any) -> dict[str, Any]:
        """Lets requests be refused as a protection limit does, whatever was used.

        Args:
            limit: `requests`, `execution_ms` or `concurrency`.
            retry_after: seconds to wait that the refusal asks for.
            rule: which requests, as in `service_emulators.faults.Fault`.
        """
        return self.fault(**{**_throttled(limit, retry_after), **rule})

    def reset_limits(self) -> None:
        """Forgets the greatest use and the refusals."""
        self.call("POST", "/limits/reset")

    def forgive(self) -> None:
        """Forgets what was used of the limits, as if five minutes had passed."""
        self.call("POST", "/limits/forgive")

    def expire_tokens(self) -> None:
        """Ends all access tokens; credentials stay good."""
        self.call("POST", "/tokens/expire")

    def detect_duplicates(self, set_name: str, *columns: str) -> None:
        """Adds a duplicate detection rule: rows with equal values in these columns are duplicates.

        Args:
            set_name: entity set.
            columns: logical names.
        """
        self.call("POST", "/duplicate_rules", {"set": set_name, "columns": list(columns)})

    def forget_duplicate_rules(self) -> None:
        """Drops all duplicate detection rules."""
        self.call("DELETE", "/duplicate_rules")

    def expire_secret(self) -> None:
        """Lets the client secret expire; access tokens stay good."""
        self.call("POST", "/secret/expire")
