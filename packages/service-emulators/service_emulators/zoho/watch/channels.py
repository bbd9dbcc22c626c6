"""What a channel is, where channels lie, and how a request describes one.

Source: fact sheet section 9. Where the documents differ the narrower reading holds: a token has at most 50 characters
(the specification says 256). What is not documented: an expiry that has passed is invalid data, and a second POST of a
channel replaces it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Column, String, Table, Text, delete, insert, select

from service_emulators.zoho.errors import RowError
from service_emulators.zoho.outgoing import is_callable
from service_emulators.zoho.tables import METADATA
from service_emulators.zoho.times import parse_time, stored_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from service_emulators.zoho.store import Store

MAX_CHANNELS = 50
MAX_TOKEN = 50
MAX_CONDITION_FIELDS = 10
LONGEST = timedelta(days=7)
FALLBACK = timedelta(hours=1)
OPERATIONS = ("create", "edit", "delete", "all")

CHANNELS = Table(
    "_channels",
    METADATA,
    Column("id", String, primary_key=True),
    Column("expiry", String, nullable=False),  # as times are stored, so that their order is that of time
    Column("definition", Text, nullable=False),  # JSON of `Channel`
)


class Channel(msgspec.Struct, kw_only=True):
    """A channel.

    Attributes:
        id: chosen by whoever watches.
        origin: scheme and host it was enabled at, for the address of the module in notifications.
        notify_url: where changes are told.
        expiry: end, as times are stored.
        events: `Module.operation`.
        token: secret sent with each notification.
        values: whether changed values are sent too.
        related: whether changes of related records count; kept, but nothing in the emulator is such a change.
        conditions: `notification_condition` as given; its fields limit what changes are told.
    """

    id: str
    origin: str
    notify_url: str
    expiry: str
    events: list[str]
    token: str | None = None
    values: bool = False
    related: bool = True
    conditions: list[dict[str, Any]] = msgspec.field(default_factory=list)

    def modules(self) -> list[str]:
        """Returns the modules it watches, in the order of its events."""
        return list(dict.fromkeys(event.partition(".")[0] for event in self.events))

    def events_of(self, module: str) -> list[str]:
        """Returns its events of one module."""
        return [event for event in self.events if event.partition(".")[0] == module]


class ChannelStore:
    """The channels of the org."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def live(self, now: datetime) -> list[Channel]:
        """Returns the channels that have not expired, by their id."""
        statement = select(CHANNELS.c.definition).where(CHANNELS.c.expiry > stored_time(now)).order_by(CHANNELS.c.id)
        return [msgspec.json.decode(text, type=Channel) for (text,) in self._store.connection.execute(statement)]

    def find(self, channel_id: str, now: datetime) -> Channel:
        """Returns a channel that has not expired.

        Raises:
            RowError: there is none of that id.
        """
        for channel in self.live(now):
            if channel.id == channel_id:
                return channel
        raise RowError("NOT_SUBSCRIBED", "the channel id given is not subscribed", {"api_name": "channel_id"})

    def save(self, channel: Channel) -> None:
        """Adds a channel or replaces the one of its id."""
        self.remove(channel.id)
        row = {"id": channel.id, "expiry": channel.expiry, "definition": msgspec.json.encode(channel).decode()}
        self._store.connection.execute(insert(CHANNELS), row)

    def remove(self, channel_id: str) -> None:
        """Takes a channel away."""
        self._store.connection.execute(delete(CHANNELS).where(CHANNELS.c.id == channel_id))


class Reader:
    """Reads one channel's description in a request; everything it refuses is a `RowError` with the place in the body.

    Args:
        item: the description.
        path: JSON path of it.
        modules: API names of the modules that can be watched.
        now: the present moment.
    """

    def __init__(self, item: dict[str, Any], path: str, modules: Collection[str], now: datetime) -> None:
        self._item = item
        self._path = path
        self._modules = modules
        self._now = now

    def has(self, name: str) -> bool:
        """Returns whether a key is given."""
        return name in self._item

    def channel_id(self) -> str:
        """Returns the channel's id, a whole number that may be written as a text."""
        value = self._need("channel_id")
        text = str(value)
        if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 19:  # noqa: PLR2004 - a long
            raise self._invalid("channel_id", "expected_data_type", "long")
        return text

    def notify_url(self) -> str:
        """Returns where to call."""
        value = self._need("notify_url")
        if not is_callable(value):
            raise self._invalid("notify_url", "expected_data_type", "website")
        return str(value)

    def events(self) -> list[str]:
        """Returns the events, each once."""
        value = self._need("events")
        if not isinstance(value, list) or not value:
            raise self._invalid("events", "expected_data_type", "jsonarray")
        for number, event in enumerate(value):
            module, _, operation = str(event).partition(".")
            if not isinstance(event, str) or module not in self._modules or operation not in OPERATIONS:
                raise RowError(
                    "INVALID_DATA",
                    "invalid data",
                    {"api_name": "events", "json_path": f"{self._path}.events[{number}]"},
                )
        return list(dict.fromkeys(value))

    def expiry(self) -> str:
        """Returns the end: the one asked for, or an hour from now when none or more than a week was."""
        value = self._item.get("channel_expiry")
        if value is None:
            return stored_time(self._now + FALLBACK)
        end = parse_time(value)
        if end is None or end <= stored_time(self._now):
            raise self._invalid("channel_expiry", "expected_data_type", "datetime")
        return end if end <= stored_time(self._now + LONGEST) else stored_time(self._now + FALLBACK)

    def token(self) -> str | None:
        """Returns the secret, if any."""
        value = self._item.get("token")
        if value is not None and not isinstance(value, str):
            raise self._invalid("token", "expected_data_type", "string")
        if value is not None and len(value) > MAX_TOKEN:
            raise self._invalid("token", "maximum_length", MAX_TOKEN)
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Returns a true/false key."""
        value = self._item.get(name, default)
        if not isinstance(value, bool):
            raise self._invalid(name, "expected_data_type", "boolean")
        return value

    def conditions(self) -> list[dict[str, Any]]:
        """Returns the conditions: fields of a module one or all of which must have changed."""
        value = self._item.get("notification_condition") or []
        if not isinstance(value, list):
            raise self._invalid("notification_condition", "expected_data_type", "jsonarray")
        for condition in value:
            if not _is_condition(condition, self._modules):
                raise self._invalid("notification_condition", "expected_data_type", "jsonobject")
        return value

    def _need(self, name: str) -> Any:
        value = self._item.get(name)
        if value is None:
            details = {"api_name": name, "json_path": f"{self._path}.{name}"}
            raise RowError("MANDATORY_NOT_FOUND", "required field not found", details)
        return value

    def _invalid(self, name: str, key: str, value: object) -> RowError:
        details = {"api_name": name, "json_path": f"{self._path}.{name}", key: value}
        return RowError("INVALID_DATA", "invalid data", details)


def _is_condition(condition: Any, modules: Collection[str]) -> bool:
    try:
        selection = condition["field_selection"]
        group = selection.get("group", [selection])
        names = [entry.get("field", entry)["api_name"] for entry in group]
        return (
            condition["type"] == "field_selection"
            and condition["module"]["api_name"] in modules
            and selection.get("group_operator", "or") in {"and", "or"}
            and 0 < len(names) <= MAX_CONDITION_FIELDS
        )
    except (TypeError, KeyError, AttributeError):
        return False


def is_selected(channel: Channel, module: str, changed: Collection[str]) -> bool:
    """Returns whether changed fields of a module meet a channel's conditions."""
    for condition in channel.conditions:
        if condition["module"]["api_name"] != module:
            continue
        selection = condition["field_selection"]
        names = [entry.get("field", entry)["api_name"] for entry in selection.get("group", [selection])]
        enough = all if selection.get("group_operator", "or") == "and" else any
        if not enough(name in changed for name in names):
            return False
    return True
