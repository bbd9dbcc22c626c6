"""What can be changed about the Zoho CRM emulator while it runs."""

from __future__ import annotations

from typing import Literal

from service_emulators.control import Switches

Edition = Literal["free", "standard", "professional", "enterprise", "ultimate"]
DataCenter = Literal["us", "eu", "in", "au", "cn", "jp", "ca", "sa"]


class ZohoSwitches(Switches):
    """Switches of the Zoho CRM emulator. The defaults are the documented or, failing that, the strictest behaviour.

    Attributes:
        edition: edition of the org: credits, concurrency, custom fields.
        users: paid users; they multiply the credits.
        credits: credits of 24 hours; None takes the figure of edition and users, 0 lifts the limit.
        concurrency: simultaneous calls; None takes the edition's figure, 0 lifts the limit.
        sub_concurrency: simultaneous calls of the kinds that have a limit of their own; 0 lifts it.
        latency_ms: time every call takes, during which it counts as running.
        data_center: data centre that this address belongs to. Elsewhere than where the org lives, its app is unknown
            and its tokens are invalid.
        access_token_seconds: how long access tokens live.
        token_throttle: access tokens per refresh token in 10 minutes; 0 lifts the limit.
        live_tokens: access tokens per refresh token that live at the same time.
        search_lag_ms: age a write must have to be found by a search.
        picklists: whether a value that is not in a list is refused or taken as it is (undocumented, by org).
        unknown_fields: whether a field name that the module does not have is refused or passed over (undocumented).
        person_names: what leads and contacts must have: a last name, or (announced by the vendor) either of both names.
        same_key_in_batch: what becomes of the second of two upsert items with the same key (undocumented): refused as a
            duplicate, or an update of the first.
        recycled_unique: whether a record in the recycle bin still holds its unique values (undocumented).
        unique_external: whether one field may be unique and external (undocumented).
        if_modified_since: whether a record changed at that very moment is in the list (the vendor does not say).
        coql_rows: most rows a COQL query brings, whatever its limit: 2,000 (documents), or 200 (specification of 2026).
        bulk_start_ms: age at which a bulk job begins.
        bulk_polls: how many requests for a bulk job's details are told in any case that it has not ended.
        bulk_find_by: what a bulk write job may find records by: `id` alone (specification of 2026), or any unique field
            (documents of v7).
        bulk_end: how the bulk jobs created from now on end; one that stalls never does.
        bulk_end_after: rows that a bulk write job which fails or stalls writes before it does.
        bulk_result_columns: columns of the file that stand in the result of a bulk write job: the first three mapped
            ones ("Download Bulk Write Result", v8), or all.
        bulk_result_order: whether the rows of that result stand in the order of the file (undocumented).
        bulk_in_progress: how a running bulk write job is told; the documents write it both ways.
        bulk_read_page: rows of one bulk read job.
        notifications: whether each notification is delivered once, twice or not at all (undocumented).
        sandbox: partly failed batches answer 200, as sandboxes were seen to.
    """

    edition: Edition = "enterprise"
    users: int = 10
    credits: int | None = None
    concurrency: int | None = None
    sub_concurrency: int = 10
    latency_ms: int = 0
    data_center: DataCenter = "us"
    access_token_seconds: int = 3600
    token_throttle: int = 10
    live_tokens: int = 30
    search_lag_ms: int = 3000
    picklists: Literal["refuse", "accept"] = "refuse"
    unknown_fields: Literal["refuse", "ignore"] = "refuse"
    person_names: Literal["last_name", "either"] = "last_name"
    same_key_in_batch: Literal["refuse", "update"] = "refuse"
    recycled_unique: bool = False
    unique_external: Literal["refuse", "accept"] = "refuse"
    if_modified_since: Literal["inclusive", "exclusive"] = "inclusive"
    coql_rows: int = 2000
    bulk_start_ms: int = 200
    bulk_polls: int = 1
    bulk_find_by: Literal["id", "unique"] = "id"
    bulk_end: Literal["completes", "fails", "stalls"] = "completes"
    bulk_end_after: int = 0
    bulk_result_columns: Literal["first_three", "all"] = "first_three"
    bulk_result_order: Literal["kept", "shuffled"] = "kept"
    bulk_in_progress: Literal["INPROGRESS", "IN PROGRESS"] = "INPROGRESS"
    bulk_read_page: int = 200_000
    notifications: Literal["once", "twice", "lost"] = "once"
    sandbox: bool = False
