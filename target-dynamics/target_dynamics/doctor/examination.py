"""All checks in their order; those that need a failed one are left out."""

from __future__ import annotations

import typing as t

from doctor_findings import Status, clock, failed, good, of_error, reach
from sync_ledger.commands import SettingsError, read_settings
from sync_ledger.errors import ConfigError, SyncError

from target_dynamics import directory
from target_dynamics.answers import RefusedError
from target_dynamics.connecting import connect, login
from target_dynamics.doctor import tables as of_tables
from target_dynamics.doctor.privileges import held
from target_dynamics.messages import Messages
from target_dynamics.setup.making import Maker
from target_dynamics.setup.wanted import wanted_columns
from target_dynamics.tables import FIRST
from target_dynamics.target import TargetDynamics

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from doctor_findings import Finding

    from target_dynamics.client import DynamicsClient
    from target_dynamics.oauth import Login
    from target_dynamics.tables import Tables

_CORRECT: t.Final = "correct it; target-dynamics --about lists the settings"
_NETWORK: t.Final = "check the address, name servers, firewalls, and whether a proxy is needed (HTTPS_PROXY)"
_ROLE: t.Final = "give the application user a security role that may read it"
_NEEDED_FIRST: t.Final = {"token", "environment", "tables"}
_BYPASS: t.Final = "prvBypassCustomPlugins"


def examine(config: t.Any) -> Iterator[Finding]:
    """Examine a set-up from the settings to the last column.

    Args:
        config: Parsed `--config` arguments.

    Yields:
        Findings as they come.
    """
    try:
        settings = read_settings(TargetDynamics, config)
        found = login(settings)
        client = connect(settings)
    except SettingsError as error:
        for problem in error.problems:
            yield failed("settings", problem, _CORRECT)
        return
    except ConfigError as error:
        yield of_error("settings", error, otherwise=_CORRECT)
        return
    way = "certificate" if found.certificate else "client secret"
    yield good("settings", f"valid; signs in to tenant {found.tenant_id} by {way}")
    try:
        for finding in _inside(settings, client, found):
            yield finding
            if finding.status is Status.FAILED and finding.check in _NEEDED_FIRST:
                return
    finally:
        client.close()


def _inside(settings: Mapping[str, t.Any], client: DynamicsClient, found: Login) -> Iterator[Finding]:
    timeout = settings["request_timeout_seconds"]
    yield reach("authority", found.authority, timeout_seconds=timeout, remedy=_NETWORK)
    try:
        client.auth.tokens()
    except SyncError as error:
        yield of_error("token", error, otherwise="check tenant_id, client_id and the credential")
        return
    yield good("token", f"given by {found.authority} for {found.resource}")
    yield reach("network", client.address, timeout_seconds=timeout, remedy=_NETWORK)
    try:
        who = client.who_am_i
    except (SyncError, RefusedError) as error:
        yield of_error("environment", error, otherwise="check org_url and api_url")
        return
    yield good("environment", f"{client.address}: organisation {who['OrganizationId']}, user {who['UserId']}")
    yield clock("Dataverse", client.clock_ahead)
    try:
        there = directory.tables(client, settings["entities"])
    except (SyncError, RefusedError) as error:
        yield of_error("tables", error, otherwise=_ROLE)
        return
    yield _tables(there)
    yield from _rights(settings, client, there, str(who["UserId"]))
    yield from _columns(settings, client, there)
    yield from _capabilities(settings, client, there)
    yield _limits(client)


def _tables(there: Tables) -> Finding:
    lacking = [*there.missing, *(name for name in FIRST if name not in there.entities)]
    if lacking:
        return failed(
            "tables",
            f"no entity set {', '.join(lacking)} that this user may see",
            "correct setting entities (a table's Set name in the maker portal), or give the role the right to read it",
        )
    return good("tables", f"{', '.join(there.chosen)} are there")


def _rights(settings: Mapping[str, t.Any], client: DynamicsClient, there: Tables, user: str) -> Iterator[Finding]:
    try:
        own = held(client, user)
    except (SyncError, RefusedError) as error:
        yield of_error("privileges", error, otherwise=_ROLE)
        return
    if not own.levels:
        yield failed(
            "privileges",
            "the application user has no security role",
            "give it one (Power Platform admin center > Environments > Settings > Application users > Edit roles)",
        )
        return
    for entity in there.chosen:
        removal = (settings.get("deletions") or {}).get(entity) or {}
        deletes = isinstance(removal, dict) and removal.get("do") == "delete"
        try:
            yield of_tables.rights(client, there.of_set(entity), own.levels, deletes=deletes)
        except (SyncError, RefusedError) as error:
            yield of_error(of_tables.check(entity, "rights"), error, otherwise=_ROLE)
    if settings["bypass_custom_logic"] and own.names and _BYPASS not in own.names:
        yield failed(
            "privileges",
            f"bypass_custom_logic is set, but the roles lack {_BYPASS}",
            "give it to a role of the application user, or set bypass_custom_logic to false",
        )


def _columns(settings: Mapping[str, t.Any], client: DynamicsClient, there: Tables) -> Iterator[Finding]:
    try:
        wanted = wanted_columns(settings, there)
        maker = Maker(client, there, lambda _: None, prefix=settings["publisher_prefix"])
        found = maker.examine(wanted)
    except (SyncError, RefusedError) as error:
        yield of_error("columns", error, otherwise=_ROLE)
        return
    for entity, missing in found.items():
        yield from of_tables.columns(entity, missing, settings["external_id_field"])


def _capabilities(settings: Mapping[str, t.Any], client: DynamicsClient, there: Tables) -> Iterator[Finding]:
    messages = Messages(client)
    for entity in there.chosen:
        try:
            yield from of_tables.capabilities(
                client, there.of_set(entity), messages, duplicates=settings["duplicate_detection"]
            )
        except (SyncError, RefusedError) as error:
            yield of_error(of_tables.check(entity, "bulk"), error, otherwise=_ROLE)


def _limits(client: DynamicsClient) -> Finding:
    requests, seconds = client.limits_left
    usage = client.usage()
    took = f"this examination took {usage.calls}"
    if requests is None or seconds is None:
        return good("limits", f"the answers do not tell how much of the service protection limits is left; {took}")
    text = f"{requests} requests and {seconds:.0f} s of execution time are left of five minutes; {took} requests"
    if client.recommended_concurrency:
        text += f"; the service recommends {client.recommended_concurrency} at the same time"
    return good("limits", text)
