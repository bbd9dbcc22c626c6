"""What `doctor` says of the accounts that send, and of the senders they send from."""

from __future__ import annotations

import re
import typing as t

from doctor_findings import failed, good, of_error
from sync_ledger.errors import SyncError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alert_rules.compiled import CompiledChannel
    from doctor_findings import Finding

    from target_twilio.sendgrid import SendGridMail
    from target_twilio.twilio import Twilio
    from target_twilio.twilio.client import Reply

    Ways = Sequence[tuple[str, CompiledChannel]]

_ACCOUNT: t.Final = re.compile(r"AC[0-9a-f]{32}")
_SERVICE: t.Final = re.compile(r"MG[0-9a-f]{32}")
_NUMBER: t.Final = re.compile(r"\+[1-9][0-9]{6,14}")
_OTHER_SENDER: t.Final = re.compile(r"[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
"""A short code, or an alphanumeric sender ("Messages resource", parameter From)."""


def twilio(settings: Mapping[str, t.Any], client: Twilio, ways: Ways) -> Iterator[Finding]:
    """Examine the Twilio account by reading from it; nothing is sent.

    Args:
        settings: Settings of the target.
        client: Client of the account.
        ways: Receivers of the alert file and how they are told.
    """
    account = str(settings["account_sid"])
    if not _ACCOUNT.fullmatch(account):
        yield failed("twilio account", f"account_sid {account!r} is no Account SID", "copy it from the console: AC…")
        return
    try:
        reply = client.get("/Messages", {"PageSize": "1"})
    except SyncError as error:
        yield of_error("twilio account", error, otherwise="check account_sid and its credentials")
        return
    if not reply.ok:
        yield failed(
            "twilio account",
            f"messages cannot be read: {reply.code} {reply.text}",
            "give the API key the permission to read messages, and use live credentials",
        )
        return
    yield good("twilio account", f"{account} can be used")
    yield from _senders(settings, client, ways)


def _senders(settings: Mapping[str, t.Any], client: Twilio, ways: Ways) -> Iterator[Finding]:
    number, service = settings.get("from_number"), settings.get("messaging_service_sid")
    if service and not _SERVICE.fullmatch(str(service)):
        text = f"messaging_service_sid {service!r} is no SID of a Messaging Service"
        yield failed("twilio service", text, "copy it from the console: MG…")
    if number:
        yield _number(str(number), client)
    without = sorted(
        {
            f"{name} ({way.channel})"
            for name, way in ways
            if (way.channel == "sms" and not (way.sender or way.messaging_service or number or service))
            or (way.channel == "voice" and not (way.sender or number))
        }
    )
    if without:
        text = f"no sender for {', '.join(without)}"
        yield failed("twilio sender", text, "set from_number (for texts also messaging_service_sid)")


def _number(number: str, client: Twilio) -> Finding:
    if not _NUMBER.fullmatch(number):
        if _OTHER_SENDER.fullmatch(number):
            return good("twilio sender", f"{number} is a short code or a name; calls need a number")
        text = f"from_number {number!r} is no number, short code or sender name"
        return failed("twilio sender", text, "write a number with + and country code: +12025550100")
    try:
        reply: Reply = client.get("/Messages", {"From": number, "PageSize": "1"})
    except SyncError as error:
        return of_error("twilio sender", error, otherwise="try again")
    sent = reply.body.get("messages") if reply.ok else None
    if sent:
        return good("twilio sender", f"{number} has sent texts of this account before")
    return good("twilio sender", f"{number} has the right form; that the account may use it shows with the first text")


def sendgrid(settings: Mapping[str, t.Any], mail: SendGridMail, ways: Ways) -> Iterator[Finding]:
    """Examine the SendGrid account by a mail to its sandbox, which delivers nothing.

    Args:
        settings: Settings of the target.
        mail: Its client.
        ways: Receivers of the alert file and how they are told.
    """
    if not settings.get("from_email"):
        own = {name for name, way in ways if way.channel == "email" and way.sender}
        without = sorted({name for name, way in ways if way.channel == "email"} - own)
        if without:
            yield failed("sendgrid sender", f"no sender for {', '.join(without)} (email)", "set from_email")
        return
    try:
        mail.rehearse()
    except SyncError as error:
        yield of_error("sendgrid account", error, otherwise="check sendgrid_api_key and from_email")
        return
    yield good("sendgrid account", f"takes mail from {settings['from_email']} (tried in its sandbox)")
