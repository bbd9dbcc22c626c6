"""All checks in their order; those that need a failed one are left out."""

from __future__ import annotations

import typing as t

from doctor_findings import Status, clock, failed, good, of_error, reach, warning
from sync_ledger.commands import SettingsError, read_settings
from sync_ledger.errors import ConfigError, SyncError

from target_pipedrive.answers import RefusedError
from target_pipedrive.connecting import connect
from target_pipedrive.directory import Directory
from target_pipedrive.hosts import domain
from target_pipedrive.setup.making import Maker
from target_pipedrive.setup.wanted import wanted_fields
from target_pipedrive.target import TargetPipedrive

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from doctor_findings import Finding

    from target_pipedrive.client import PipedriveClient

_CORRECT: t.Final = "correct it; target-pipedrive --about lists the settings"
_NETWORK: t.Final = (
    "check api_url and company_domain, name servers, firewalls, and whether a proxy is needed (HTTPS_PROXY)"
)
_PLANS: t.Final = {
    False: {20: "Lite", 40: "Growth", 100: "Premium", 120: "Ultimate"},
    True: {80: "Lite", 160: "Growth", 400: "Premium", 480: "Ultimate"},
}
"""Whether by OAuth -> requests in 2 s -> plan (fact sheet section 10)."""


def examine(config: t.Any) -> Iterator[Finding]:
    """Examine a set-up from the settings to the last field.

    Args:
        config: Parsed `--config` arguments.

    Yields:
        Findings as they come.
    """
    try:
        settings = read_settings(TargetPipedrive, config)
        wanted_fields(settings)
        client = connect(settings)
    except SettingsError as error:
        for problem in error.problems:
            yield failed("settings", problem, _CORRECT)
        return
    except ConfigError as error:
        yield of_error("settings", error, otherwise=_CORRECT)
        return
    yield good("settings", f"valid; log-in by {'OAuth' if client.by_oauth else 'API token'}")
    try:
        for finding in _inside(settings, client):
            yield finding
            if finding.status is Status.FAILED and finding.check in {"network", "token", "company"}:
                return
    finally:
        client.close()


def _inside(settings: Mapping[str, t.Any], client: PipedriveClient) -> Iterator[Finding]:
    try:
        address = client.address
    except SyncError as error:  # by OAuth the address comes with the first token
        yield of_error("token", error, otherwise="check client_id, client_secret and refresh_token")
        return
    yield reach("network", address, timeout_seconds=settings["request_timeout_seconds"], remedy=_NETWORK)
    try:
        me = Directory(client).me()
    except RefusedError as error:
        yield failed("token", f"no Pipedrive API there: {error}", "check settings company_domain and api_url")
        return
    except SyncError as error:
        yield of_error("token", error, otherwise="check the settings of the log-in")
        return
    yield good("token", f"belongs to {me.get('name')} ({me.get('email')})")
    yield _company(settings, me)
    yield _rights(me)
    yield _limits(client)
    yield clock("Pipedrive", client.clock_ahead)
    yield from _fields(settings, client)
    yield _budget(client)


def _company(settings: Mapping[str, t.Any], me: Mapping[str, t.Any]) -> Finding:
    found = me.get("company_domain")
    wanted = settings.get("company_domain")
    if not found:
        return failed("company", "Pipedrive does not say which company the token belongs to", "check api_url")
    if wanted and domain(wanted) != found:
        return failed(
            "company", f"the token belongs to {found!r}, setting company_domain is {wanted!r}", "correct one of them"
        )
    return good("company", f"{me.get('company_name')} ({found})")


def _rights(me: Mapping[str, t.Any]) -> Finding:
    apps = [one for one in me.get("access") or [] if isinstance(one, dict)]
    if any(one.get("admin") for one in apps):
        return good("rights", "an administrator: sees all records and may make fields")
    return warning(
        "rights",
        "not an administrator: records its visibility group hides do not exist for it, and would be made twice",
        "make sure that the user sees all organizations, persons, deals and products; setup needs an administrator",
    )


def _limits(client: PipedriveClient) -> Finding:
    limit = client.burst_limit
    plan = _PLANS[client.by_oauth].get(limit)
    return good("limits", f"{limit} requests in 2 s{f', as the plan {plan} has' if plan else ''}")


def _fields(settings: Mapping[str, t.Any], client: PipedriveClient) -> Iterator[Finding]:
    wanted = wanted_fields(settings)
    try:
        found = Maker(client, lambda _: None).examine(wanted)
    except SyncError as error:
        yield of_error("fields", error, otherwise="let the user see the fields")
        return
    holder = settings["external_id_field"]
    remedy = "target-pipedrive setup makes them"
    for entity, missing in found.items():
        check = f"{entity} fields"[:16]
        labels = [one.label for one in missing.fields]
        labels += [f"{one.label} (options {', '.join(options)})" for one, _, options in missing.options]
        for conflict in missing.conflicts:
            yield of_error(check, ConfigError(conflict), otherwise="see Settings > Data fields in Pipedrive")
        if labels:
            own = len(labels) > 1 or labels != [holder]
            text = f"{entity} lacks {', '.join(labels)}"
            if own:
                yield failed(check, text, remedy)
            else:
                yield warning(check, f"{text}; the stream {entity} cannot be loaded", f"{remedy} if that is wanted")
        elif not missing.conflicts:
            yield good(check, f"{holder} and all fields of the settings are there")


def _budget(client: PipedriveClient) -> Finding:
    usage = client.usage()
    if usage.budget_left is None:
        return good(
            "budget", f"Pipedrive does not tell what is left of the day; this examination took {usage.cost} tokens"
        )
    if usage.budget_left == 0:
        return failed("budget", "no token of the day is left", "wait until Pipedrive's midnight, or buy a top-up")
    return good("budget", f"{usage.budget_left} tokens of the day are left; this examination took {usage.cost}")
