"""Traces: spans of the run, its batches and its requests, sent by OTLP when the setting `tracing` is on.

Off, nothing of OpenTelemetry is loaded and a span costs next to nothing. Spans carry counts and names of entities, no
external IDs and no values. Where they go is said by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, ...).
"""

from __future__ import annotations

import contextlib
import typing as t

from sync_ledger.errors import ConfigError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

Attributes = dict[str, "str | int | float | bool"]


class _Tracing:
    """The tracer of this process, and the span that new ones belong to, whatever thread they are begun in."""

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.tracer: Tracer | None = None
        self.parent: Context | None = None


_tracing = _Tracing()


def start(service: str) -> None:
    """Send spans from now on.

    Raises:
        ConfigError: If OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"setting tracing: OpenTelemetry is missing ({error}); install sync-ledger[tracing]"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracing.provider, _tracing.tracer = provider, provider.get_tracer("sync_ledger")


def stop() -> None:
    """Send what is left and end; spans cost nothing again."""
    if _tracing.provider is not None:
        _tracing.provider.shutdown()
    _tracing.provider = _tracing.tracer = _tracing.parent = None


@contextlib.contextmanager
def span(name: str, *, parent: bool = False, **attributes: str | float | bool) -> Iterator[Attributes]:
    """Trace a piece of work; what is put into the dictionary meanwhile is added to its attributes.

    Args:
        name: Name of the span.
        parent: Whether spans begun meanwhile, by other threads as well, belong to it.
        attributes: Counts and names; never values of rows.
    """
    more: Attributes = {}
    if _tracing.tracer is None:
        yield more
        return
    from opentelemetry.trace import Status, StatusCode, set_span_in_context  # noqa: PLC0415

    before = _tracing.parent
    begun = _tracing.tracer.start_span(name, context=before, attributes=attributes)
    if parent:
        _tracing.parent = set_span_in_context(begun)
    try:
        yield more
    except BaseException as error:
        # The name alone: texts of errors may repeat what a service said of a row.
        begun.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        if parent:
            _tracing.parent = before
        begun.set_attributes(more)
        begun.end()
