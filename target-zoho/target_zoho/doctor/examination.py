"""All checks in their order; those that need a failed one are left out."""

from __future__ import annotations

import typing as t

from doctor_findings import Status, clock, failed, good, of_error, reach, warning
from sync_ledger.commands import SettingsError, read_settings
from sync_ledger.errors import ConfigError, ServiceUnavailableError, SyncError

from target_zoho import coql, directory
from target_zoho.adapter import FIRST
from target_zoho.answers import RefusedError, ScopeError
from target_zoho.connecting import connect
from target_zoho.pacing import edition_of
from target_zoho.regions import region_of
from target_zoho.scopes import covered
from target_zoho.setup.making import Maker
from target_zoho.setup.wanted import wanted_fields
from target_zoho.target import TargetZoho

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from doctor_findings import Finding

    from target_zoho.client import ZohoClient

_CORRECT: t.Final = "correct it; target-zoho --about lists the settings"
_NETWORK: t.Final = "check data_center, name servers, firewalls, and whether a proxy is needed (HTTPS_PROXY)"
_CHECK_WIDTH: t.Final = 16
_NEEDED_FIRST: t.Final = {"token", "org"}


def examine(config: t.Any) -> Iterator[Finding]:
    """Examine a set-up from the settings to the last field.

    Args:
        config: Parsed `--config` arguments.

    Yields:
        Findings as they come.
    """
    try:
        settings = read_settings(TargetZoho, config)
        client = connect(settings)
    except SettingsError as error:
        for problem in error.problems:
            yield failed("settings", problem, _CORRECT)
        return
    except ConfigError as error:
        yield of_error("settings", error, otherwise=_CORRECT)
        return
    way = "refresh token" if client.auth.by_refresh_token else "client credentials"
    yield good("settings", f"valid; signs in by {way}")
    try:
        for finding in _inside(settings, client):
            yield finding
            if finding.status is Status.FAILED and finding.check in _NEEDED_FIRST:
                return
    finally:
        client.close()


def _inside(settings: Mapping[str, t.Any], client: ZohoClient) -> Iterator[Finding]:
    timeout = settings["request_timeout_seconds"]
    yield reach("accounts", client.auth.accounts, timeout_seconds=timeout, remedy=_NETWORK)
    try:
        tokens = client.auth.tokens()
        address = client.address
    except SyncError as error:
        yield of_error("token", error, otherwise=_token_remedy(error))
        return
    region = region_of(address)
    place = f" in data center {region}" if region else ""
    yield good("token", f"given by {client.auth.accounts}; the API is at {address}{place}")
    yield reach("network", address, timeout_seconds=timeout, remedy=_NETWORK)
    if settings["bulk_threshold"]:
        remedy = f"set upload_url, or bulk_threshold to 0 to go without bulk writes; {_NETWORK}"
        yield reach("upload", client.upload_address, timeout_seconds=timeout, remedy=remedy)
    yield _scopes(tokens.scope, settings["scopes"])
    try:
        org = client.org
    except SyncError as error:
        yield of_error("org", error, otherwise="check data_center and api_url")
        return
    yield good("org", f"{org.get('company_name')} ({org['zgid']})")
    yield _edition(client, org, int(settings["max_concurrency"]))
    yield clock("Zoho", client.clock_ahead)
    try:
        there = directory.modules(client)
    except (SyncError, RefusedError) as error:
        yield of_error("modules", error, otherwise="let the user's profile see the modules")
        return
    yield from _modules(there, settings)
    yield from _fields(settings, client, there)
    yield _coql(client, there)
    yield _credits(client)


def _token_remedy(error: SyncError) -> str:
    """Return what helps when an error about the access token does not say it."""
    if isinstance(error, ServiceUnavailableError):
        return _NETWORK
    if isinstance(error, ConfigError):
        return "name a file in a folder that this user may write in"
    return "check client_id, client_secret, refresh_token and data_center"


def _scopes(given: str, wanted: Sequence[str]) -> Finding:
    if not given:
        return good("scopes", "the token does not tell them; the checks below find out those of reading")
    missing = [scope for scope in wanted if not covered(scope, given.replace(",", " ").split())]
    if not missing:
        return good("scopes", "all of setting scopes are given")
    return failed(
        "scopes",
        f"the log-in was not given {', '.join(missing)}",
        "authorise the client anew with them and set refresh_token, or take what runs do not need out of scopes",
    )


def _edition(client: ZohoClient, org: Mapping[str, t.Any], concurrency: int) -> Finding:
    edition = edition_of(org.get("license_details") or {})
    limit = client.concurrency_limit
    text = f"{limit} calls at the same time, " + (
        f"as the edition {edition} has" if edition else "the fewest of any edition, as Zoho does not tell this org's"
    )
    if concurrency > limit:
        return warning("limits", f"{text}; max_concurrency is {concurrency}", f"set max_concurrency to {limit} or less")
    return good("limits", text)


def _modules(there: Sequence[str], settings: Mapping[str, t.Any]) -> Iterator[Finding]:
    absent = [name for name in settings["modules"] if name not in there]
    if absent:
        yield failed(
            "modules",
            f"no module {', '.join(absent)} that this user may write; there are {', '.join(there)}",
            "correct setting modules (API names, as in Setup > Developer Hub > APIs)",
        )
    lacking = [name for name in FIRST if name not in there]
    if lacking:
        yield warning(
            "modules",
            f"{', '.join(lacking)} cannot be written: not in the org's edition, or hidden for the user's profile",
            "map their streams to null, or let the profile see them",
        )
    if not absent and not lacking:
        yield good("modules", f"{', '.join(dict.fromkeys([*FIRST, *settings['modules']]))} can be written")


def _fields(settings: Mapping[str, t.Any], client: ZohoClient, there: Sequence[str]) -> Iterator[Finding]:
    named = [name for name in settings["modules"] if name in there]
    try:
        wanted = wanted_fields({**settings, "modules": named}, there)
        found = Maker(client, lambda _: None).examine(wanted)
    except (SyncError, RefusedError) as error:
        yield of_error("fields", error, otherwise="let the user's profile see the fields")
        return
    holder = settings["external_id_field"]
    remedy = "target-zoho setup makes them"
    for module, missing in found.items():
        check = f"{module} fields"[:_CHECK_WIDTH]
        labels = [one.label for one in missing.fields]
        labels += [f"{one.label} (values {', '.join(values)})" for one, _, values in missing.options]
        for conflict in missing.conflicts:
            yield of_error(check, ConfigError(conflict), otherwise="see Setup > Modules and Fields in Zoho")
        if labels == [holder]:
            text = f"{module} lacks {holder}; the stream {module} cannot be loaded"
            yield warning(check, text, f"{remedy} if that is wanted")
        elif labels:
            yield failed(check, f"{module} lacks {', '.join(labels)}", remedy)
        elif not missing.conflicts:
            yield good(check, f"{holder} is there and unique, and all fields of the settings are there")


def _coql(client: ZohoClient, there: Sequence[str]) -> Finding:
    """Look whether records can be asked for by what is in them, as every run does."""
    module = next((name for name in FIRST if name in there), None)
    if module is None:
        return warning("reading", "none of the modules can be read", "let the user's profile see them")
    try:
        client.coql(coql.select(("id",), module, "id is not null", 1))
    except ScopeError as error:
        return of_error("reading", error, otherwise=_CORRECT)
    except (SyncError, RefusedError) as error:
        return of_error("reading", error, otherwise="let the user's profile see the records")
    return good("reading", f"records of {module} can be asked for by COQL")


def _credits(client: ZohoClient) -> Finding:
    usage = client.usage()
    if usage.budget_left is None:
        return good("credits", f"less than half of 24 hours' are used; this examination took {usage.cost}")
    if usage.budget_left == 0:
        return failed("credits", "none of 24 hours are left", "wait some hours, or buy more")
    return good("credits", f"{usage.budget_left} of 24 hours are left; this examination took {usage.cost}")
