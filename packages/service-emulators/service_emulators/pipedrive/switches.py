"""What can be changed about the Pipedrive emulator while it runs."""

from __future__ import annotations

from typing import Literal

from service_emulators.control import Switches

Plan = Literal["lite", "growth", "premium", "ultimate"]
RateLimit = Literal["normal", "burst", "daily", "ambiguous"]


class PipedriveSwitches(Switches):
    """Switches of the Pipedrive emulator. The defaults are the documented or, failing that, the strictest behaviour.

    Attributes:
        plan: plan of the company: limits, budget, custom fields, meaning of `visible_to`.
        seats: paid seats; they multiply the daily budget.
        burst: requests in a 2 s window; None takes the plan's figure, 0 lifts the limit.
        search_burst: search requests in a 2 s window; 0 lifts the limit.
        daily_budget: tokens a day; None takes 30,000 x plan multiplier x seats, 0 lifts the limit.
        daily_headers: send the undocumented `x-daily-ratelimit-token-*` headers.
        retry_after: send `Retry-After` on 429 (not documented any more).
        rate_limit: `normal` limits by the figures above; the others answer every call with 429 of that kind.
            `ambiguous` carries no x-ratelimit headers at all.
        rate_limit_calls: how many calls a forced `rate_limit` lasts; None until it is switched back.
        cloudflare_after: number of 429 answers within 10 s after which Cloudflare blocks; None never.
        cloudflare_seconds: how long it blocks.
        search_lag_ms: age a write must have to be found by a search.
        list_lag_ms: age a record must have to appear in a list (read-your-writes of lists is undocumented; no
            observation speaks of a lag).
        deleted_get: what GET of a deleted record answers within its 30 days.
        deleted_patch: status of a PATCH or DELETE of a deleted record.
        limit_over_max: a `limit` above the maximum is refused or lowered to it.
        null_on_create: whether a POST may carry null for properties the specification does not call nullable.
        person_name_required: whether POST /persons needs a name (the specification requires nothing).
        free_labels: whether e-mails and phones may carry labels other than work, home, mobile and other.
        contact_sync: Contact Sync is set up: persons have job_title, notes, im, birthday, postal_address.
        campaigns: the Campaigns product is active: marketing_status is writable.
        firmographics: organizations have website, linkedin, industry, annual_revenue, employee_count.
        geocoding: address parts are filled in from `value` when only that is sent (a crude stand-in).
        refresh_tokens: whether a refresh gives the same refresh token back, as documented, or a new one that alone is
            good from then on.
        access_token_seconds: how long access tokens live.
        v1: whether the v1 endpoints answer, or all are gone (410).
    """

    plan: Plan = "ultimate"
    seats: int = 5
    burst: int | None = None
    search_burst: int = 10
    daily_budget: int | None = None
    daily_headers: bool = False
    retry_after: bool = False
    rate_limit: RateLimit = "normal"
    rate_limit_calls: int | None = None
    cloudflare_after: int | None = 100
    cloudflare_seconds: int = 60
    search_lag_ms: int = 3000
    list_lag_ms: int = 0
    deleted_get: Literal["404", "record"] = "404"
    deleted_patch: Literal[404, 410] = 404
    limit_over_max: Literal["refuse", "cap"] = "refuse"
    null_on_create: Literal["refuse", "accept"] = "refuse"
    person_name_required: bool = True
    free_labels: bool = False
    contact_sync: bool = False
    campaigns: bool = False
    firmographics: bool = True
    geocoding: bool = False
    refresh_tokens: Literal["kept", "rotated"] = "kept"
    access_token_seconds: int = 3599
    v1: Literal["on", "gone"] = "on"
