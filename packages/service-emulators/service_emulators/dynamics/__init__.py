"""Microsoft Dataverse (Dynamics 365 Sales) as an HTTP service: Entra ID's token endpoint and Web API v9.2.

It follows the Dynamics 365 Sales / Dataverse Web API fact sheet. Where the vendor documents nothing, the strictest
reading is the default and the other readings are switches (`switches.py`). One address serves
`/{tenant}/oauth2/v2.0/token`, `/{tenant}/v2.0/.well-known/openid-configuration` and `/api/data/v9.2/…`.

How an endpoint is added: a class takes `parts.Parts` and has a method `routes()` that returns handlers by
`METHOD path`; the class goes into `APIS` of `endpoints.py`, and that is all. In a path, `{name}` is a placeholder and
the segment `()` stands for brackets behind the name before it: `PATCH /{set}/()` is `PATCH accounts(…)`, and what the
brackets held is in `Call.predicates`. Literal segments win over placeholders (`GET /{set}/$count`).

A handler gets a `calls.Call` and returns a `Reply` or raises `ApiError`. Token, user and protection limits were checked
before it; it runs under the store's lock and in a savepoint of its own: what it changed is undone when it raises
`ApiError`, and kept when it returns, whatever the status. It asks `call.user.need("Read", table)` for privileges;
`Rows` asks for those that writes need. Rows change through `parts.rows` alone (`create`, `update`, `delete`), with
`Write.of(call)`; `SingleApi.upsert` is one upsert by address. `parts.rows.checks` takes functions that look at each row
before it is written (duplicate detection). `parts.show.columns` and `parts.show.row` write rows as JSON data.

A request inside of another one is `call.api.run(method, target, headers, body, origin)`: `target` from
`urls.relative(inner_url)`, `origin` from `dataclasses.replace(call.origin, depth=1, references=…)`. It returns the
whole answer, an error's too, and has undone what a refused request changed. Several requests that hold or fall together
run inside `with parts.store.savepoint():`, left by an exception. References such as `$1` are `Origin.references`, paths
of rows by reference. Deleted rows are in the SQL table `_tombstones` with the version of their deletion; all versions
come from `store.next_version()`, one count for all tables.
"""

from __future__ import annotations
