"""What each request costs, in tokens of the daily budget (`x-token-cost` of the vendor's specifications).

Keys are `METHOD path` as the specifications write the path; the cost is flat, whatever `limit` is.
"""

from __future__ import annotations

V2_COSTS: dict[str, int] = {
    **{
        f"{method} {path}": cost
        for entity in ("organizations", "persons", "deals", "activities", "products")
        for method, path, cost in (
            ("GET", f"/{entity}", 10),
            ("POST", f"/{entity}", 5),
            ("GET", f"/{entity}/{{id}}", 1),
            ("PATCH", f"/{entity}/{{id}}", 5),
            ("DELETE", f"/{entity}/{{id}}", 3),
        )
    },
    **{
        f"{method} {path}": cost
        for entity in ("pipelines", "stages")
        for method, path, cost in (
            ("GET", f"/{entity}", 5),
            ("POST", f"/{entity}", 5),
            ("GET", f"/{entity}/{{id}}", 1),
            ("PATCH", f"/{entity}/{{id}}", 5),
            ("DELETE", f"/{entity}/{{id}}", 3),
        )
    },
    **{
        f"{method} {path}": cost
        for fields in ("organizationFields", "personFields", "dealFields", "productFields")
        for method, path, cost in (
            ("GET", f"/{fields}", 10),
            ("POST", f"/{fields}", 5),
            ("GET", f"/{fields}/{{field_code}}", 1),
            ("PATCH", f"/{fields}/{{field_code}}", 5),
            ("DELETE", f"/{fields}/{{field_code}}", 3),
            ("POST", f"/{fields}/{{field_code}}/options", 5),
            ("PATCH", f"/{fields}/{{field_code}}/options", 5),
            ("DELETE", f"/{fields}/{{field_code}}/options", 3),
        )
    },
    "GET /activityFields": 10,
    "GET /activityFields/{field_code}": 1,
    "GET /deals/archived": 20,
    "GET /organizations/search": 20,
    "GET /persons/search": 20,
    "GET /deals/search": 20,
    "GET /products/search": 20,
    "GET /itemSearch": 20,
    "GET /itemSearch/field": 20,
}

V1_COSTS: dict[str, int] = {
    "GET /notes": 20,
    "POST /notes": 10,
    "GET /notes/{id}": 2,
    "PUT /notes/{id}": 10,
    "DELETE /notes/{id}": 6,
    "GET /users": 20,
    "GET /users/me": 2,
    "GET /activityTypes": 20,
    "GET /users/{id}": 2,
    **{
        f"GET {path}": cost
        for fields in ("organizationFields", "personFields", "dealFields", "productFields")
        for path, cost in ((f"/{fields}", 20), (f"/{fields}/{{id}}", 2))
    },
    "GET /activityFields": 20,
}

PLAN_MULTIPLIERS = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}
BASE_BUDGET = 30_000
BURST_LIMITS = {
    "token": {"lite": 20, "growth": 40, "premium": 100, "ultimate": 120},
    "oauth": {"lite": 80, "growth": 160, "premium": 400, "ultimate": 480},
}
CUSTOM_FIELD_LIMITS = {"lite": 30, "growth": 100, "premium": 300, "ultimate": 500}
VISIBILITIES = {"lite": (1, 3), "growth": (1, 3), "premium": (1, 3, 5, 7), "ultimate": (1, 3, 5, 7)}
DEFAULT_VISIBILITY = 3
