"""What mail/send refuses: schema and limits, each error with the dotted path of its field (fact sheet section 14)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from service_emulators.sendgrid.errors import problem

_EMAIL = re.compile(r"[^\s@<>,;\"]+@[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9\-]+)+")
_TOP: dict[str, type | tuple[type, ...]] = {
    "personalizations": list,
    "from": dict,
    "reply_to": dict,
    "reply_to_list": list,
    "subject": str,
    "content": list,
    "attachments": list,
    "template_id": str,
    "headers": dict,
    "categories": list,
    "custom_args": (dict, str),
    "send_at": int,
    "batch_id": str,
    "asm": dict,
    "ip_pool_name": str,
    "mail_settings": dict,
    "tracking_settings": dict,
}
_PERSONAL: dict[str, type | tuple[type, ...]] = {
    "from": dict,
    "to": list,
    "cc": list,
    "bcc": list,
    "subject": str,
    "headers": dict,
    "substitutions": dict,
    "dynamic_template_data": dict,
    "custom_args": dict,
    "send_at": int,
}
_RESERVED = frozenset(
    [
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    ]
)
_MOST_PERSONALIZATIONS = _MOST_RECIPIENTS = 1000
_MOST_BYTES = 10_000
_MOST_CATEGORIES, _LONGEST_CATEGORY = 10, 255
_LATEST_SECONDS = 72 * 3600
_GROUPS = 25
_BYPASSES = ("bypass_spam_management", "bypass_bounce_management", "bypass_unsubscribe_management")
Problems = list[dict[str, Any]]


def check(mail: Any, now: float) -> Problems:
    """Returns what is wrong with a mail; nothing when it is right.

    Args:
        mail: decoded JSON body.
        now: present moment.
    """
    if not isinstance(mail, dict):
        return [problem("", "The request body must be a JSON object.")]
    found = _types(mail, _TOP, "")
    if found:
        return found
    for name, message in (
        ("personalizations", "The personalizations field is required and must have at least one personalization."),
        ("from", "The from object must be provided for every email send."),
    ):
        if not mail.get(name):
            found.append(problem(name, message))
    if mail.get("from"):
        found += _address(mail["from"], "from")
    found += _content(mail) + _personalizations(mail, now) + _reply(mail) + _categories(mail)
    found += _headers(mail.get("headers"), "headers") + _custom_args(mail.get("custom_args"), "custom_args")
    found += _send_at(mail.get("send_at"), "send_at", now) + _settings(mail)
    return found


def _types(values: dict[str, Any], known: dict[str, type | tuple[type, ...]], prefix: str) -> Problems:
    found = []
    for name, value in values.items():
        field = f"{prefix}{name}"
        if name not in known:
            found.append(problem(field, f"Additional property {name} is not allowed"))
        elif not isinstance(value, known[name]) or isinstance(value, bool):
            found.append(problem(field, "Invalid type."))
    return found


def _address(value: Any, field: str) -> Problems:
    if not isinstance(value, dict):
        return [problem(field, "Invalid type. Expected: object.")]
    found = _types(value, {"email": str, "name": str}, f"{field}.")
    if not found and not _EMAIL.fullmatch(value.get("email", "")):
        found.append(problem(f"{field}.email", "Does not contain a valid address."))
    return found


def _content(mail: dict[str, Any]) -> Problems:
    parts = mail.get("content", [])
    if not parts:
        if mail.get("template_id"):
            return []
        return [problem("content", "The content parameter is required. It must be an array with at least one object.")]
    found: Problems = []
    kinds = []
    for position, part in enumerate(parts):
        field = f"content.{position}"
        if not isinstance(part, dict):
            found.append(problem(field, "Invalid type. Expected: object."))
            continue
        found += _types(part, {"type": str, "value": str}, f"{field}.")
        if not part.get("type"):
            found.append(problem(f"{field}.type", "The content type is required."))
        if not part.get("value"):
            found.append(
                problem(f"{field}.value", "The content value must be a string at least one character in length.")
            )
        kinds.append(part.get("type"))
    wanted = sorted(kinds, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(str(kind), 2))
    if kinds != wanted:
        found.append(
            problem("content", "If present, text/plain and text/html may only be provided first, in that order.")
        )
    return found


def _personalizations(mail: dict[str, Any], now: float) -> Problems:
    entries = mail.get("personalizations") or []
    if len(entries) > _MOST_PERSONALIZATIONS:
        return [problem("personalizations", "There may be at most 1000 personalizations.")]
    found: Problems = []
    seen: set[str] = set()
    recipients = 0
    for position, entry in enumerate(entries):
        field = f"personalizations.{position}"
        if not isinstance(entry, dict):
            found.append(problem(field, "Invalid type. Expected: object."))
            continue
        wrong = _types(entry, _PERSONAL, f"{field}.")
        found += wrong
        if wrong:
            continue
        if not entry.get("to"):
            found.append(problem(f"{field}.to", "The to array is required for all personalization objects."))
        for kind in ("to", "cc", "bcc"):
            for number, address in enumerate(entry.get(kind, [])):
                found += (wrong := _address(address, f"{field}.{kind}.{number}"))
                recipients += 1
                email = "" if wrong else address["email"].lower()
                if email and email in seen:
                    found.append(
                        problem(
                            f"{field}.{kind}.{number}",
                            "Each email address in the personalization block should be unique between to, cc, and bcc.",
                        )
                    )
                seen.add(email)
        if not (entry.get("subject") or mail.get("subject") or mail.get("template_id")):
            found.append(problem(f"{field}.subject", "The subject is required."))
        found += _custom_args(entry.get("custom_args"), f"{field}.custom_args")
        found += _custom_args(entry.get("substitutions"), f"{field}.substitutions")
        found += _headers(entry.get("headers"), f"{field}.headers")
        found += _send_at(entry.get("send_at"), f"{field}.send_at", now)
    if recipients > _MOST_RECIPIENTS:
        found.append(problem("personalizations", "There may be at most 1000 recipients."))
    return found


def _reply(mail: dict[str, Any]) -> Problems:
    if "reply_to" in mail and "reply_to_list" in mail:
        return [problem("reply_to", "reply_to and reply_to_list can not both be given.")]
    found = _address(mail["reply_to"], "reply_to") if "reply_to" in mail else []
    listed = mail.get("reply_to_list", [])
    if len(listed) > _MOST_RECIPIENTS:
        found.append(problem("reply_to_list", "There may be at most 1000 addresses."))
    for number, address in enumerate(listed):
        found += _address(address, f"reply_to_list.{number}")
    return found


def _categories(mail: dict[str, Any]) -> Problems:
    given = mail.get("categories", [])
    found: Problems = []
    if len(given) > _MOST_CATEGORIES:
        found.append(problem("categories", "There may be at most 10 categories."))
    for number, one in enumerate(given):
        if not isinstance(one, str) or len(one) > _LONGEST_CATEGORY:
            found.append(problem(f"categories.{number}", "A category must be a string of at most 255 characters."))
        elif one in given[:number]:
            found.append(problem(f"categories.{number}", "Categories must be unique."))
    return found


def _headers(headers: dict[str, Any] | None, field: str) -> Problems:
    found: Problems = []
    for name, value in (headers or {}).items():
        if name.lower() in _RESERVED:
            found.append(problem(f"{field}.{name}", "This header is reserved."))
        elif not isinstance(value, str):
            found.append(problem(f"{field}.{name}", "Invalid type. Expected: string."))
    return found


def _custom_args(values: dict[str, Any] | str | None, field: str) -> Problems:
    if values and len(msgspec.json.encode(values)) > _MOST_BYTES:
        return [problem(field, "The total size must be less than 10,000 bytes.")]
    return []


def _send_at(moment: int | None, field: str, now: float) -> Problems:
    if moment is not None and moment > now + _LATEST_SECONDS:
        return [problem(field, "Scheduling more than 72 hours in advance is forbidden.")]
    return []


def _settings(mail: dict[str, Any]) -> Problems:
    settings = mail.get("mail_settings", {})
    found: Problems = []
    for name, value in settings.items():
        if not isinstance(value, dict) or not isinstance(value.get("enable", False), bool):
            found.append(problem(f"mail_settings.{name}.enable", "The enable parameter must be a boolean."))
    if found:
        return found
    used = [name for name in _BYPASSES if settings.get(name, {}).get("enable")]
    if settings.get("bypass_list_management", {}).get("enable") and used:
        found.append(
            problem("mail_settings.bypass_list_management", f"This can not be used together with {', '.join(used)}.")
        )
    asm = mail.get("asm")
    if asm is not None:
        if not isinstance(asm.get("group_id"), int):
            found.append(problem("asm.group_id", "The asm group_id parameter must be an integer."))
        if len(asm.get("groups_to_display", [])) > _GROUPS:
            found.append(problem("asm.groups_to_display", "There may be at most 25 groups to display."))
    return found
