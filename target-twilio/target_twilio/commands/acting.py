"""`alerts silence`, `alerts ack`, `alerts release`, `alerts discard` and `alerts tick`: what people and time do."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import typer
from alert_rules.durations import duration
from sync_ledger.errors import InputError
from sync_ledger.ledger.clock import now
from sync_ledger.sending.deciding import Decisions
from sync_ledger.sending.suppressions import Suppressions

from target_twilio.commands.common import (
    FROM_ENVIRONMENT,
    at,
    console,
    desk,
    person,
    print_json,
    settings,
    table,
)
from target_twilio.commands.options import ConfigOption, JsonOption  # noqa: TC001 - typer reads them
from target_twilio.ticking import tick as do_tick

if t.TYPE_CHECKING:
    from collections.abc import Sequence

Matchers = t.Annotated[list[str], typer.Option("--matcher", help='Which alerts: alert="PayableOverdue", team=~"a|b".')]
By = t.Annotated[str | None, typer.Option(help="Who; the user of this machine by default.")]
Keys = t.Annotated[list[str], typer.Argument(help="Keys of messages (`alerts messages`).")]
Note = t.Annotated[str | None, typer.Option(help="Why; kept with the message.")]

silence_app = typer.Typer(no_args_is_help=True, help="Keep alerts from being told for some time.")


@silence_app.command("add")
def silence_add(
    matcher: Matchers,
    for_: t.Annotated[str | None, typer.Option("--for", help="How long: 90m, 2h, 1d.")] = None,
    until: t.Annotated[str | None, typer.Option(help="End: 2026-01-31T18:00+01:00; UTC without a zone.")] = None,
    starts: t.Annotated[str | None, typer.Option(help="Beginning; now by default.")] = None,
    reason: t.Annotated[str, typer.Option(help="Why; kept with each decision.")] = "",
    by: By = None,
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """Silence the alerts that fit all matchers."""
    moment = now()
    begin = _moment(starts) if starts is not None else moment
    if (for_ is None) == (until is None):
        raise InputError("Say how long the silence lasts: either --for 2h or --until 2026-01-31T18:00")
    end = _moment(until) if until is not None else begin + duration(for_ or "")
    with desk(config) as opened:
        made = opened.alerts.silence(
            matcher, end, now=moment, by=by or person(), reason=reason, starts=begin if starts is not None else None
        )
    if as_json:
        print_json(made)
    else:
        typer.echo(f"Silence {made.key} until {at(made.until)} UTC: {', '.join(made.matchers)}")


@silence_app.command("list")
def silence_list(config: ConfigOption = FROM_ENVIRONMENT, *, as_json: JsonOption = False) -> None:
    """List the silences that are not over; those of the alert file stand there."""
    with desk(config) as opened:
        found = opened.alerts.show(now(), limit=1).silences
    if as_json:
        print_json(found)
        return
    made = table("silence", "alerts", "from", "until", "by", "why")
    for one in found:
        made.add_row(one.key, ", ".join(one.matchers), at(one.starts), at(one.until), one.by, one.reason)
    console().print(made)


@silence_app.command("end")
def silence_end(
    key: t.Annotated[str, typer.Argument(help="The silence (`alerts silence list`).")],
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """End a silence now."""
    with desk(config) as opened:
        if not opened.alerts.lift(key, now()):
            raise InputError(f"There is no silence {key}; `alerts silence list` lists them")
    if as_json:
        print_json({"ended": key})
    else:
        typer.echo(f"Silence {key} is over")


def ack(
    matcher: t.Annotated[list[str] | None, typer.Option("--matcher", help='Which alerts: alert="Name".')] = None,
    to: t.Annotated[str | None, typer.Option(help="Alerts of the newest message to this number or address.")] = None,
    by: By = None,
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """Take firing alerts on: they are not repeated and not passed on to others."""
    if not matcher and to is None:
        raise InputError("Say which alerts: --matcher 'alert=\"Name\"', or --to NUMBER for those it was told last")
    with desk(config) as opened:
        taken = opened.alerts.acknowledge(by or person(), now(), matchers=matcher or (), recipient=to)
    if as_json:
        print_json(taken)
        return
    for one in taken:
        typer.echo(f"Taken on: {one.summary}")
    typer.echo(f"{len(taken)} alerts taken on")


def release(
    keys: t.Annotated[list[str] | None, typer.Argument(help="Keys of held or refused messages.")] = None,
    receiver: t.Annotated[str | None, typer.Option(help="Let go what a budget of this receiver kept.")] = None,
    wants_mail: t.Annotated[
        str | None, typer.Option(help="Address of somebody who unsubscribed and has asked for mail again.")
    ] = None,
    note: Note = None,
    config: ConfigOption = FROM_ENVIRONMENT,
    *,
    as_json: JsonOption = False,
) -> None:
    """Let messages go out that wait for a person; of one whose answer was lost it says that it did not arrive."""
    if wants_mail is not None:
        if keys or receiver is not None or note is not None:
            raise InputError("Say --wants-mail ADDRESS alone: it ends an opt-out, and lets no message go")
        _let_mail_come(wants_mail, config, as_json=as_json)
        return
    if not keys and receiver is None:
        raise InputError(
            "Say which: keys of messages, --receiver NAME for what its budget kept, or --wants-mail ADDRESS"
        )
    with desk(config) as opened:
        if keys:
            Decisions(opened.journal).release(keys, note)
        kept = opened.alerts.release(now(), receiver=receiver) if receiver is not None else 0
    if as_json:
        print_json({"messages": keys or [], "collected": kept})
    else:
        typer.echo(f"{len(keys or ()) + kept} released; the next run or `alerts tick` sends them")


def _let_mail_come(address: str, config: Sequence[str], *, as_json: bool) -> None:
    with desk(config) as opened, opened.journal.alone() as connection:
        if not Suppressions(opened.destination).lift_known(connection, "email", address, at=now()):
            raise InputError(f"Nothing is known of {address} not wanting mail")
    if as_json:
        print_json({"wants_mail": address})
    else:
        typer.echo(f"{address} gets mail again, once SendGrid has the address on none of its suppression lists")


def discard(
    keys: Keys, note: Note = None, config: ConfigOption = FROM_ENVIRONMENT, *, as_json: JsonOption = False
) -> None:
    """Close messages that were not sent and are not wanted any more."""
    with desk(config) as opened:
        Decisions(opened.journal).discard(keys, note)
    if as_json:
        print_json({"messages": keys})
    else:
        typer.echo(f"{len(keys)} discarded")


def tick(config: ConfigOption = FROM_ENVIRONMENT, *, as_json: JsonOption = False) -> None:
    """Let time pass without new rows: digests, repeats, escalation, ends of quiet hours; then send, and ask how far."""
    done = do_tick(settings(config))
    if as_json:
        print_json(done)
    else:
        sent = ", ".join(f"{number} {status}" for status, number in done.sent.items()) or "nothing to send"
        waiting = f"; {done.waiting}" if done.waiting else ""
        typer.echo(f"{done.notifications} new messages; {sent}; {done.moved} moved on{waiting}")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise InputError(f"{text!r} is no time; write it like 2026-01-31T18:00+01:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
