"""From settings to the services, the alert file and the name of the account."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from alert_rules.compiling import compile_files
from alert_rules.errors import RulesError
from sync_ledger.errors import ConfigError

from target_twilio.sendgrid import SendGridMail
from target_twilio.twilio import Twilio, TwilioMessages

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from alert_rules.compiled import Compiled
    from service_calls import Tally

    Config = Mapping[str, t.Any]


def destination_of(config: Config) -> str:
    """Return the name of the account in the ledger; its messages, alerts and opt-outs are kept under it."""
    return f"twilio:{config.get('account_sid') or config.get('from_email') or 'mail'}"


def alert_file(config: Config) -> Compiled:
    """Return the alert file of the settings.

    Raises:
        ConfigError: It cannot be used; a line for each problem, with file, line and column.
    """
    try:
        compiled = compile_files(str(config["rules"]))
    except RulesError as error:
        raise ConfigError("\n".join(error.problems) + " (setting rules)") from error
    initial = config.get("initial")
    if initial is None:
        return compiled
    return replace(
        compiled,
        rules=tuple(replace(rule, baseline=initial == "baseline") for rule in compiled.rules),
        _of_stream={},
    )


def twilio_client(config: Config, tally: Tally | None = None) -> Twilio | None:
    """Return the Twilio account of the settings; None when there are no credentials.

    Raises:
        ConfigError: They are there in part.
    """
    account, token = config.get("account_sid"), config.get("auth_token")
    key, secret = config.get("api_key_sid"), config.get("api_key_secret")
    if bool(key) != bool(secret):
        raise ConfigError("An API key needs both settings, api_key_sid and api_key_secret")
    if not token and not key:
        return None
    if not account:
        raise ConfigError("Setting account_sid is missing; it is needed with auth_token and with an API key")
    user, word = (key, secret) if key else (account, token)
    return Twilio(account, str(user), str(word), address=config["api_url"], tally=tally)


def twilio_messages(config: Config, tally: Tally | None = None) -> TwilioMessages | None:
    """Return what sends texts and calls; None when there are no credentials.

    Raises:
        ConfigError: They are there in part.
    """
    client = twilio_client(config, tally)
    if client is None:
        return None
    return TwilioMessages(
        client,
        sender=config.get("from_number"),
        messaging_service=config.get("messaging_service_sid"),
        callback_address=config.get("status_callback_url"),
    )


def sendgrid_mail(config: Config, tally: Tally | None = None) -> SendGridMail | None:
    """Return what sends mail; None when there is no API key."""
    key = config.get("sendgrid_api_key")
    if not key:
        return None
    return SendGridMail(str(key), sender=config.get("from_email"), address=config["sendgrid_api_url"], tally=tally)
