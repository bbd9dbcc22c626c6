"""What each Pipedrive call costs of the company's daily token budget.

Costs are flat per request, whatever `limit` is, and no endpoint reports the balance: the sum kept here is the only way
to know what a run has used (Pipedrive API fact sheet sections 4 and 10; `x-token-cost` in Pipedrive's OpenAPI files).
"""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import Usage

if t.TYPE_CHECKING:
    from target_pipedrive.entity import Entity

IDS_PER_CALL: t.Final = 100
"""Records a list takes by id."""

SINGLE_READS: t.Final = 9
"""Up to so many records are cheaper one by one (1 token each) than as a list (10 tokens)."""

TOKENS: t.Final[dict[tuple[str, str], int]] = {
    ("GET", "/v1/users/me"): 2,
    ("GET", "/v2/organizations"): 10,
    ("GET", "/v2/organizations/{id}"): 1,
    ("POST", "/v2/organizations"): 5,
    ("PATCH", "/v2/organizations/{id}"): 5,
    ("DELETE", "/v2/organizations/{id}"): 3,
    ("GET", "/v2/organizationFields"): 10,
    ("GET", "/v2/persons"): 10,
    ("GET", "/v2/persons/{id}"): 1,
    ("POST", "/v2/persons"): 5,
    ("PATCH", "/v2/persons/{id}"): 5,
    ("DELETE", "/v2/persons/{id}"): 3,
    ("GET", "/v2/personFields"): 10,
    ("GET", "/v2/deals"): 10,
    ("GET", "/v2/deals/archived"): 20,
    ("GET", "/v2/deals/{id}"): 1,
    ("POST", "/v2/deals"): 5,
    ("PATCH", "/v2/deals/{id}"): 5,
    ("DELETE", "/v2/deals/{id}"): 3,
    ("GET", "/v2/dealFields"): 10,
    ("GET", "/v2/products"): 10,
    ("GET", "/v2/products/{id}"): 1,
    ("POST", "/v2/products"): 5,
    ("PATCH", "/v2/products/{id}"): 5,
    ("DELETE", "/v2/products/{id}"): 3,
    ("GET", "/v2/productFields"): 10,
    ("GET", "/v2/activities"): 10,
    ("GET", "/v2/activities/{id}"): 1,
    ("POST", "/v2/activities"): 5,
    ("PATCH", "/v2/activities/{id}"): 5,
    ("DELETE", "/v2/activities/{id}"): 3,
    ("GET", "/v2/pipelines"): 5,
    ("GET", "/v2/pipelines/{id}"): 1,
    ("POST", "/v2/pipelines"): 5,
    ("PATCH", "/v2/pipelines/{id}"): 5,
    ("DELETE", "/v2/pipelines/{id}"): 3,
    ("GET", "/v2/stages"): 5,
    ("GET", "/v2/stages/{id}"): 1,
    ("POST", "/v2/stages"): 5,
    ("PATCH", "/v2/stages/{id}"): 5,
    ("DELETE", "/v2/stages/{id}"): 3,
    ("GET", "/v1/notes"): 20,
    ("GET", "/v1/notes/{id}"): 2,
    ("POST", "/v1/notes"): 10,
    ("PUT", "/v1/notes/{id}"): 10,
    ("DELETE", "/v1/notes/{id}"): 6,
    ("GET", "/v1/users"): 20,
    ("GET", "/v1/activityTypes"): 20,
    ("POST", "/v2/organizationFields"): 5,
    ("POST", "/v2/personFields"): 5,
    ("POST", "/v2/dealFields"): 5,
    ("POST", "/v2/productFields"): 5,
    ("DELETE", "/v2/organizationFields/{field_code}"): 3,
    ("DELETE", "/v2/personFields/{field_code}"): 3,
    ("DELETE", "/v2/dealFields/{field_code}"): 3,
    ("DELETE", "/v2/productFields/{field_code}"): 3,
    ("POST", "/v2/organizationFields/{field_code}/options"): 5,
    ("POST", "/v2/personFields/{field_code}/options"): 5,
    ("POST", "/v2/dealFields/{field_code}/options"): 5,
    ("POST", "/v2/productFields/{field_code}/options"): 5,
}
"""(method, path template) -> tokens, for every call this target makes."""


def tokens(method: str, template: str) -> int:
    """Return the price of one request in tokens.

    Raises:
        KeyError: If the call is not in the table; every call must have a known price.
    """
    return TOKENS[method, template]


def estimate(entity: Entity, *, opens: int, reads: int, creates: int, updates: int) -> Usage:
    """Return what calls on one entity will take (see `sync_ledger.adapter.EntityAdapter.estimate`)."""
    lists = 0 if reads <= SINGLE_READS or not entity.ids_listed else -(-reads // IDS_PER_CALL)
    holds_external_ids = entity.fields_path is not None
    calls = [
        *((opens, "GET", path) for path in (entity.fields_path,) if path),
        *((opens * holds_external_ids + lists, "GET", path) for path in entity.list_paths),
        (0 if lists else reads, "GET", entity.record_path),
        (creates, "POST", entity.path),
        (updates, entity.update_method, entity.record_path),
    ]
    return Usage(
        calls=sum(times for times, _, _ in calls),
        writes=creates + updates,
        cost=sum(times * tokens(method, path) for times, method, path in calls if times),
    )
