"""`/crm/v8/actions/watch`: enabling, replacing, renewing, listing and disabling channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.calls import MAX_PER_PAGE, Reply, Route
from service_emulators.zoho.errors import ApiError, RowError, invalid
from service_emulators.zoho.outgoing import Outgoing
from service_emulators.zoho.watch.channels import MAX_CHANNELS, Channel, ChannelStore, Reader
from service_emulators.zoho.watch.notifier import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.parts import Parts

PATH = "/crm/v8/actions/watch"
_ENABLED = "Successfully subscribed for actions-watch of the given module"
_UPDATED = "Successfully updated the subscribe details"
_REMOVED = "Successfully removed the subscribe details"
_DISABLED = "Successfully un-subscribed from actions-watch"
_KEYS = frozenset({
    "channel_id", "events", "channel_expiry", "token", "notify_url", "return_affected_field_values",
    "notify_on_related_action", "notification_condition", "_delete_events",
})  # fmt: skip


class WatchApi:
    """Channels of the org, and the notifier that serves them.

    Args:
        parts: parts of the org.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._outgoing = Outgoing()
        self._channels = ChannelStore(parts.store)
        parts.changes.listen(Notifier(parts, self._channels, self._outgoing).tell)

    def close(self) -> None:
        """Makes the calls there are to make, and no more."""
        self._outgoing.stop()

    def routes(self) -> dict[str, Route]:
        """Returns the endpoints."""

        def route(handler: Callable[[Call], Reply], operation: str) -> Route:
            return Route(handler, (f"ZohoCRM.notifications.{operation}",))

        return {
            f"POST {PATH}": route(self._enable, "CREATE"),
            f"PUT {PATH}": route(self._replace, "UPDATE"),
            f"PATCH {PATH}": route(self._change, "UPDATE"),
            f"GET {PATH}": route(self._list, "READ"),
            f"DELETE {PATH}": route(self._disable, "DELETE"),
        }

    def _enable(self, call: Call) -> Reply:
        return self._each(call, self._items(call), lambda reader: self._full(call, reader, _ENABLED), good=201)

    def _replace(self, call: Call) -> Reply:
        def replace(reader: Reader) -> dict[str, Any]:
            self._channels.find(reader.channel_id(), self._parts.clock.now())
            return self._full(call, reader, _UPDATED)

        return self._each(call, self._items(call), replace)

    def _change(self, call: Call) -> Reply:
        return self._each(call, self._items(call, alone=True), lambda reader: self._partly(call, reader))

    def _list(self, call: Call) -> Reply:
        per_page = call.integer("per_page", MAX_PER_PAGE, MAX_PER_PAGE)
        page = call.integer("page", 1)
        wanted, module = call.query.get("channel_id"), call.query.get("module")
        found = [
            self._described(call, channel, name)
            for channel in self._channels.live(self._parts.clock.now())
            for name in channel.modules()
            if wanted in {None, channel.id} and module in {None, name}
        ]
        shown = found[(page - 1) * per_page : page * per_page]
        if not shown:
            return Reply(status=204)
        more = len(found) > page * per_page
        info = {"per_page": per_page, "count": len(shown), "page": page, "more_records": more}
        return Reply({"watch": shown, "info": info})

    def _disable(self, call: Call) -> Reply:
        wanted = call.several("channel_ids")
        if not wanted:
            message = "One of the expected parameter is missing"
            raise ApiError(400, "EXPECTED_PARAM_MISSING", message, {"api_name": "channel_ids"})
        results = []
        for channel_id in wanted:
            try:
                channel = self._channels.find(channel_id, self._parts.clock.now())
            except RowError as error:
                results.append(error.body())
                continue
            self._channels.remove(channel.id)
            results.append(_success(_DISABLED, self._resource(call, channel, channel.modules()[0])))
        return _reply(call, results, 200)

    def _items(self, call: Call, *, alone: bool = False) -> list[Any]:
        """Returns the channels of a body; `alone` takes one by itself too, as the specification has PATCH."""
        body = call.json_object({"watch", *_KEYS} if alone else {"watch"})
        items = [body] if alone and "watch" not in body else body.get("watch")
        if items is None:
            details = {"api_name": "watch", "json_path": "$.watch"}
            raise ApiError(400, "MANDATORY_NOT_FOUND", "required field not found", details)
        if not isinstance(items, list) or not items:
            raise invalid({"api_name": "watch", "json_path": "$.watch", "expected_data_type": "jsonarray"})
        if len(items) > MAX_CHANNELS:
            raise invalid({"api_name": "watch", "json_path": "$.watch", "maximum_length": MAX_CHANNELS})
        return items

    def _each(self, call: Call, items: list[Any], handle: Callable[[Reader], dict[str, Any]], good: int = 200) -> Reply:
        now = self._parts.clock.now()
        modules = {name for name in self._parts.catalog.modules() if self._parts.catalog.find(name)}
        results = []
        for number, item in enumerate(items):
            path = f"$.watch[{number}]"
            try:
                results.append(handle(Reader(_checked(item, path), path, modules, now)))
            except RowError as error:
                results.append(error.body())
        return _reply(call, results, good)

    def _full(self, call: Call, reader: Reader, message: str) -> dict[str, Any]:
        channel = Channel(
            id=reader.channel_id(),
            origin=call.origin,
            notify_url=reader.notify_url(),
            events=reader.events(),
            expiry=reader.expiry(),
            token=reader.token(),
            values=reader.flag("return_affected_field_values", default=False),
            related=reader.flag("notify_on_related_action", default=True),
            conditions=reader.conditions(),
        )
        self._channels.save(channel)
        return _success(message, self._events(call, channel))

    def _partly(self, call: Call, reader: Reader) -> dict[str, Any]:
        """Changes what is given and leaves the rest; the expiry is the fallback again when it is given as too long."""
        channel = self._channels.find(reader.channel_id(), self._parts.clock.now())
        removing = reader.flag("_delete_events", default=False)
        if removing or reader.has("events"):
            given = reader.events()
            kept = [event for event in channel.events if event not in given]
            channel.events = kept if removing else [*kept, *given]
        if reader.has("channel_expiry"):
            channel.expiry = reader.expiry()
        if reader.has("notify_url"):
            channel.notify_url = reader.notify_url()
        if reader.has("token"):
            channel.token = reader.token()
        if reader.has("notification_condition"):
            channel.conditions = reader.conditions()
        channel.values = reader.flag("return_affected_field_values", default=channel.values)
        channel.related = reader.flag("notify_on_related_action", default=channel.related)
        if channel.events:
            self._channels.save(channel)
        else:
            self._channels.remove(channel.id)
        return _success(_REMOVED if removing else _UPDATED, self._events(call, channel))

    def _events(self, call: Call, channel: Channel) -> dict[str, Any]:
        expiry = self._parts.org.local(channel.expiry)
        entries = [
            {"channel_expiry": expiry, **self._resource(call, channel, name), "resource_name": name}
            for name in channel.modules()
        ]
        return {"events": entries}

    def _resource(self, call: Call, channel: Channel, name: str) -> dict[str, Any]:
        module = self._parts.catalog.modules()[name]
        return {
            "resource_uri": f"{call.origin}/crm/v8/{name}",
            "resource_id": str(module.info.id),
            "channel_id": channel.id,
        }

    def _described(self, call: Call, channel: Channel, name: str) -> dict[str, Any]:
        return {
            **self._resource(call, channel, name),
            "resource_name": name,
            "channel_expiry": self._parts.org.local(channel.expiry),
            "notify_url": channel.notify_url,
            "events": channel.events_of(name),
            "token": channel.token,
            "fields": None,
            "notify_on_related_action": channel.related,
            "return_affected_field_values": channel.values,
            "notification_condition": channel.conditions or None,
        }


def _checked(item: Any, path: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise RowError("INVALID_DATA", "invalid data", {"json_path": path, "expected_data_type": "jsonobject"})
    for name in item:
        if name not in _KEYS:
            raise RowError("INVALID_DATA", "invalid data", {"api_name": name, "json_path": f"{path}.{name}"})
    return item


def _success(message: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _reply(call: Call, results: list[dict[str, Any]], good: int) -> Reply:
    failed = sum(result["status"] == "error" for result in results)
    call.tally.writes = len(results) - failed
    status = good if not failed else 207 if failed < len(results) else 400
    return Reply({"watch": results}, status)
