"""All checks in their order; those that need a failed one are left out."""

from __future__ import annotations

import typing as t

from alert_rules.checking import Severity, check
from doctor_findings import failed, good, of_error, reach, warning
from sync_ledger.commands import SettingsError, read_settings
from sync_ledger.errors import ConfigError, LedgerError
from sync_ledger.ledger import open_engine

from target_twilio.connecting import alert_file, sendgrid_mail, twilio_client
from target_twilio.doctor.accounts import sendgrid, twilio
from target_twilio.doctor.callbacks import reports
from target_twilio.services import TIME_LIMIT
from target_twilio.target import TargetTwilio

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alert_rules.compiled import Compiled, CompiledChannel
    from doctor_findings import Finding

_CORRECT: t.Final = "correct it; target-twilio --about lists the settings"
_NETWORK: t.Final = "check the address, name servers, firewalls, and whether a proxy is needed (HTTPS_PROXY)"


def examine(config: t.Any) -> Iterator[Finding]:
    """Examine a set-up from the settings to the callbacks.

    Args:
        config: Parsed `--config` arguments.

    Yields:
        Findings as they come.
    """
    try:
        settings = read_settings(TargetTwilio, config)
        client, mail = twilio_client(settings), sendgrid_mail(settings)
    except SettingsError as error:
        for problem in error.problems:
            yield failed("settings", problem, _CORRECT)
        return
    except ConfigError as error:
        yield of_error("settings", error, otherwise=_CORRECT)
        return
    accounts = [name for name, there in (("Twilio", client), ("SendGrid", mail)) if there is not None]
    yield good("settings", f"valid; {' and '.join(accounts) or 'no service'} can be used")
    yield _ledger(settings)
    ways: tuple[tuple[str, CompiledChannel], ...] = ()
    try:
        compiled = alert_file(settings)
    except ConfigError as error:
        for problem in str(error).splitlines():
            yield failed("alert file", problem, "correct it; alerts check tells more")
    else:
        ways = tuple(_ways(compiled))
        yield from _alert_file(settings, compiled)
    if client is not None:
        yield reach("twilio network", settings["api_url"], timeout_seconds=TIME_LIMIT, remedy=_NETWORK)
        yield from twilio(settings, client, ways)
        client.close()
    else:
        yield from _lacking(ways, ("sms", "voice"), "twilio", "account_sid and auth_token, or an API key")
    if mail is not None:
        yield reach("sendgrid network", settings["sendgrid_api_url"], timeout_seconds=TIME_LIMIT, remedy=_NETWORK)
        yield from sendgrid(settings, mail, ways)
        mail.close()
    else:
        yield from _lacking(ways, ("email",), "sendgrid", "sendgrid_api_key")
    yield from reports(settings)


def _ledger(settings: Mapping[str, t.Any]) -> Finding:
    try:
        engine = open_engine(settings["ledger_url"])
    except LedgerError as error:
        return of_error("ledger", error, otherwise="check setting ledger_url")
    shown = engine.url.render_as_string(hide_password=True)
    engine.dispose()
    return good("ledger", f"{shown} can be used")


def _alert_file(settings: Mapping[str, t.Any], compiled: Compiled) -> Iterator[Finding]:
    found = check(str(settings["rules"])).findings
    for one in found:
        told = failed if one.severity is Severity.ERROR else warning
        yield told("alert file", str(one), "alerts check tells more")
    if not any(one.severity is Severity.ERROR for one in found):
        streams = ", ".join(sorted({rule.stream for rule in compiled.rules}))
        told_by = f"{len(compiled.rules)} rules on {streams or 'no stream'}, {len(compiled.receivers)} receivers"
        yield good("alert file", f"{settings['rules']}: {told_by}")


def _ways(compiled: Compiled) -> Iterator[tuple[str, CompiledChannel]]:
    for receiver in compiled.receivers.values():
        for channel in receiver.channels:
            yield receiver.name, channel


def _lacking(
    ways: tuple[tuple[str, CompiledChannel], ...], channels: tuple[str, ...], name: str, settings: str
) -> Iterator[Finding]:
    names = sorted({receiver for receiver, way in ways if way.channel in channels})
    if names:
        text = f"{', '.join(names)} cannot be told by {' or '.join(channels)}: there are no credentials"
        yield failed(name, text, f"set {settings}")
