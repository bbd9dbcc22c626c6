"""Tells channels what changed: one call per channel, module and operation of each request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from service_emulators.zoho.watch.channels import is_selected

if TYPE_CHECKING:
    from service_emulators.zoho.changes import Change, Operation
    from service_emulators.zoho.outgoing import Outgoing
    from service_emulators.zoho.parts import Parts
    from service_emulators.zoho.watch.channels import Channel, ChannelStore

_EVENTS: dict[Operation, str] = {"insert": "create", "update": "edit", "delete": "delete"}


class Notifier:
    """Turns committed changes into calls.

    Args:
        parts: parts of the org.
        channels: the channels.
        outgoing: makes the calls.
    """

    def __init__(self, parts: Parts, channels: ChannelStore, outgoing: Outgoing) -> None:
        self._parts = parts
        self._channels = channels
        self._outgoing = outgoing

    def tell(self, changes: list[Change]) -> None:
        """Calls the channels that watch one of the changes; own writes count like those of anybody."""
        channels = self._channels.live(self._parts.clock.now())
        if not channels:
            return
        groups: dict[tuple[str, Operation], list[Change]] = {}
        for change in changes:
            groups.setdefault((change.module, change.operation), []).append(change)
        for channel in channels:
            for (module, operation), group in groups.items():
                if not {f"{module}.{_EVENTS[operation]}", f"{module}.all"}.isdisjoint(channel.events):
                    self._call(channel, module, operation, group)

    def _call(self, channel: Channel, module: str, operation: Operation, changes: list[Change]) -> None:
        if operation == "update":
            changes = [change for change in changes if is_selected(channel, module, change.fields)]
        delivery = self._parts.switches.notifications
        if not changes or delivery == "lost":
            return
        body = self._body(channel, module, operation, changes)
        for _ in range(2 if delivery == "twice" else 1):
            self._outgoing.post(channel.notify_url, body)

    def _body(self, channel: Channel, module: str, operation: Operation, changes: list[Change]) -> dict[str, Any]:
        updated = [change for change in changes if change.operation == "update"]
        body: dict[str, Any] = {
            "server_time": int(self._parts.clock.seconds() * 1000),
            "query_params": dict(parse_qsl(urlsplit(channel.notify_url).query, keep_blank_values=True)),
            "module": module,
            "resource_uri": f"{channel.origin}/crm/v8/{module}",
            "ids": [str(change.record_id) for change in changes],
            "affected_fields": [{str(change.record_id): [*change.fields, "Modified_Time"]} for change in updated],
            "operation": operation,
            "channel_id": channel.id,
            "token": channel.token,
        }
        if channel.values:
            body["affected_values"] = [
                {"record_id": str(change.record_id), "values": self._values(change)} for change in updated
            ]
        return body

    def _values(self, change: Change) -> dict[str, Any]:
        module = self._parts.catalog.modules()[change.module]
        names = [name for name in change.fields if name in module.fields]
        (shown,) = self._parts.show.many(module, [change.row], names)
        return {name: shown[name] for name in names}
