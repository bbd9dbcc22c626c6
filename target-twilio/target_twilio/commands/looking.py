"""`alerts explain`, `alerts show` and `alerts messages`: what became of rows, alerts and messages."""

from __future__ import annotations

import typing as t

import typer
from sync_ledger.errors import InputError
from sync_ledger.ledger.clock import now
from sync_ledger.sending.reading import Messages, Wanted
from sync_ledger.sending.service import Delivery  # noqa: TC002 - typer reads it

from target_twilio.commands.common import (
    FROM_ENVIRONMENT,
    at,
    console,
    desk,
    print_json,
    table,
)
from target_twilio.commands.options import ConfigOption, JsonOption  # noqa: TC001 - typer reads them

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.alerts.reading import Explained, Shown

LimitOption = t.Annotated[int, typer.Option(help="Most lines.", min=1)]

_MOST_SAID: t.Final = 60


def explain(
    stream: t.Annotated[str | None, typer.Argument(help="Stream of the row.")] = None,
    key: t.Annotated[str | None, typer.Argument(help="Key of the row, or a part of it.")] = None,
    rule: t.Annotated[str | None, typer.Option(help="Decisions of this rule only.")] = None,
    limit: LimitOption = 100,
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say why a row did, or did not, make a message: each decision with its reason, and the messages."""
    with desk(config) as opened:
        found = opened.alerts.explain(stream=stream, key=key, rule=rule, limit=limit)
        keys = {one.decision.notification for one in found if one.decision.notification}
        sent = Messages(opened.engine)
        messages = [life for name in sorted(keys) for life in sent.life(name, destination=opened.destination)]
    if as_json:
        print_json({"decisions": found, "messages": messages})
        return
    if not found:
        typer.echo("Nothing was decided about such a row: no rule matched it, or it never came")
        return
    _explained(found)
    if messages:
        _listed(messages, title="Messages")


def show(
    rule: t.Annotated[str | None, typer.Option(help="Alerts of this rule only.")] = None,
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what fires and what waits to, what is silenced and why, and what is told later."""
    with desk(config) as opened:
        found = opened.alerts.show(now(), rule=rule)
        counts = Messages(opened.engine).counts(Wanted(destination=opened.destination))
    if as_json:
        print_json({"alerts": found, "messages": counts})
        return
    _shown(found)
    typer.echo("Messages: " + (", ".join(f"{number} {status}" for status, number in counts.items()) or "none"))


def messages(
    key: t.Annotated[str | None, typer.Argument(help="Key or SID of one message, for its whole life.")] = None,
    status: t.Annotated[list[Delivery] | None, typer.Option(help="Messages that are so far only.")] = None,
    to: t.Annotated[str | None, typer.Option(help="Messages to this number or address only.")] = None,
    stream: t.Annotated[str | None, typer.Option(help="Audit: what was sent for rows of this stream.")] = None,
    row: t.Annotated[str | None, typer.Option(help="Audit: and with this key (JSON), or a part of it.")] = None,
    limit: LimitOption = 50,
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show messages, one message's whole life, or all that was sent for a row."""
    with desk(config) as opened:
        read = Messages(opened.engine)
        if key is not None:
            found = read.life(key, destination=opened.destination)
            if not found:
                raise InputError(f"There is no message {key}; `alerts messages` lists them")
        elif stream is not None or row is not None:
            found = read.audit(stream=stream, source_key=row, limit=limit)
        else:
            wanted = Wanted(destination=opened.destination, statuses=tuple(status or ()), recipient=to)
            found = read.newest(wanted, limit=limit)
    if as_json:
        print_json(found)
    elif key is not None:
        for one in found:
            _life(one)
    elif stream is None and row is None:
        _listed(found)
    elif found:
        _audited(found)
    else:
        typer.echo("Nothing was sent for such a row; `alerts explain` says why")


def _explained(found: Sequence[Explained]) -> None:
    made = table("when", "times", "rule", "row", "decision", "why", "receiver")
    for one in found:
        decision = one.decision
        row = f"{decision.stream} {decision.source_key}".strip()
        made.add_row(
            at(one.last_at),
            str(one.times),
            decision.rule,
            row,
            decision.code.value,
            decision.text,
            decision.receiver or "",
        )
    console().print(made)


def _shown(found: Shown) -> None:
    made = table("rule", "alert", "state", "since", "taken on by", "told to nobody because", title="Alerts")
    for alert, why in found.alerts:
        made.add_row(
            alert.rule, alert.summary, alert.status.value, at(alert.since), alert.acknowledged_by or "", why or ""
        )
    console().print(made)
    for rule, counts in found.counts.items():
        typer.echo(f"{rule}: " + ", ".join(f"{number} {status}" for status, number in counts.items()))
    if found.silences:
        silences = table("silence", "alerts", "until", "by", "why", title="Silences")
        for one in found.silences:
            silences.add_row(one.key, ", ".join(one.matchers), at(one.until), one.by, one.reason)
        console().print(silences)
    if found.collected:
        later = table("receiver", "to", "due", "why", title="Told later")
        for item in found.collected:
            due = at(item.due_at) or "when a person lets it go (alerts release)"
            later.add_row(item.receiver, item.recipient, due, item.why)
        console().print(later)


def _listed(found: Sequence[Mapping[str, t.Any]], title: str | None = None) -> None:
    made = table("put", "to", "by", "purpose", "status", "why", "says", "key", title=title)
    for one in found:
        names = ("reason", "code", "error") if one.get("error") else ("reason", "code", "remedy")
        why = " ".join(str(one[name]) for name in names if one.get(name))
        says = str(one.get("subject") or one.get("text") or "").split("\n", 1)[0]
        says = says if len(says) <= _MOST_SAID else f"{says[: _MOST_SAID - 1]}…"
        made.add_row(
            at(one["put_at"]),
            str(one["recipient"]),
            str(one["channel"]),
            str(one["purpose"]),
            str(one["status"]),
            why,
            says,
            str(one["key"]),
        )
    console().print(made)


def _audited(found: Sequence[Mapping[str, t.Any]]) -> None:
    made = table("time", "row", "rule", "to", "by", "SID", "text hash", "states")
    for one in found:
        states = " > ".join(str(state["status"]) for state in one["states"])
        made.add_row(
            at(one["time"]),
            f"{one['stream']} {one['source_key']}",
            str(one["rule"]),
            str(one["recipient"]),
            str(one["channel"]),
            str(one["remote_id"] or ""),
            str(one["text_hash"])[:12],
            states,
        )
    console().print(made)


def _life(one: Mapping[str, t.Any]) -> None:
    names = ("key", "receiver", "channel", "recipient", "purpose", "status", "reason", "code", "error", "remedy")
    for name in (*names, "remote_id", "segments", "attempts", "text_hash", "subject", "text"):
        if one.get(name) not in (None, ""):
            typer.echo(f"{name.replace('_', ' ')}: {one[name]}")
    members = table("rule", "row", "version", title="Tells of")
    for member in one["members"]:
        members.add_row(member["rule"], f"{member['stream']} {member['source_key']}", str(member["version"]))
    console().print(members)
    events = table("when", "said by", "status", "code", "text", title="What was said of it")
    for event in one["events"]:
        said = (event["source"], event["status"], event["code"] or "", event["text"] or "")
        events.add_row(at(event["at"]), *map(str, said))
    console().print(events)
