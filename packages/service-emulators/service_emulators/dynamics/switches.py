"""What can be changed about the Dataverse emulator while it runs."""

from __future__ import annotations

from typing import Literal

from service_emulators.control import Switches


class DynamicsSwitches(Switches):
    """Switches of the Dataverse emulator. The defaults are the documented or, failing that, the strictest behaviour.

    Attributes:
        requests: requests in 300 s; 0 lifts the limit.
        execution_ms: execution time of requests in 300 s; 0 lifts the limit.
        concurrency: simultaneous requests; 0 lifts the limit.
        record_ms: execution time that each record written counts in addition, for custom logic; nothing waits for it.
        latency_ms: time every request takes, during which it counts as running and as execution time.
        max_retry_after: longest Retry-After in seconds that the limits ask for.
        dop_hint: recommended degree of parallelism, the header `x-ms-dop-hint`.
        access_token_seconds: how long access tokens live.
        key_index_ms: how long the index of an alternate key is built, half of it `Pending`, half `InProgress`.
        schema_lag_ms: how long a change of the schema is not shown by metadata reads without `Consistency: Strong`.
        state_on_create: what becomes of `statecode` in a create (undocumented): refused, or passed over.
        read_only: what becomes of a read-only column in a body (undocumented): refused, or passed over.
        duplicate_status: status of a duplicate by the environment's rules; documents have both (fact sheet section 6).
        logic_refuses: a plug-in refuses rows whose name holds this text; empty for none.
        multiple_messages: tables that have CreateMultiple and UpdateMultiple, by logical name; None for all.
    """

    requests: int = 6000
    execution_ms: int = 1_200_000
    concurrency: int = 52
    record_ms: int = 0
    latency_ms: int = 0
    max_retry_after: int = 600
    dop_hint: int = 4
    access_token_seconds: int = 3599
    key_index_ms: int = 2000
    schema_lag_ms: int = 3000
    state_on_create: Literal["refuse", "ignore"] = "refuse"
    read_only: Literal["refuse", "ignore"] = "refuse"
    duplicate_status: Literal[500, 412] = 500
    logic_refuses: str = ""
    multiple_messages: list[str] | None = None
