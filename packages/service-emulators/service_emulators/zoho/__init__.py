"""Zoho CRM as an HTTP service: the accounts server and API v8.

It follows the Zoho CRM API fact sheet. Where the vendor documents nothing, the strictest reading is the default and the
other readings are switches (`switches.py`). One address serves `/oauth/v2/token`, `/crm/v8/…`, `/crm/bulk/v8/…` and
`/crm/v8/upload`; the `api_domain` of a token answer is the address the client called.

How an endpoint is added: a class takes what it needs of `parts.Parts` (store, catalog, records, changes, switches,
clock, …) and has a method `routes()` that returns `Route(handler, scopes, cost, limited)` by `METHOD path`, where a
path may have `{placeholders}`; the class goes into `APIS` of `endpoints.py`, and that is all. A handler gets a
`Call`, returns a `Reply`, and raises `ApiError` for a request or collects `RowError` for a record. The application
has checked the token, the scopes and the limits before it, holds the store's lock while it runs, commits after it and
rolls back when it raises. Handlers that change records do it through `Records`, which checks them, keeps the keys
that upserts match by, and tells `Changes`. What needs a control route of its own, under `/_emulator`, returns it from
a method `control_routes()`.
"""

from __future__ import annotations
