"""Maps of one stream without expressions, and what all maps have in common.

They mean what the classes in `singer_sdk.mapper` mean, which tests compare. They stand here because the SDK can only be
imported as a whole: taps, targets, HTTP, file systems and all, more than twice the memory of a run. Flattening is the
SDK's; it is loaded where it is switched on.
"""

from __future__ import annotations

import copy
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk.helpers._flattening import FlatteningOptions


def flattening_of(config: Mapping[str, t.Any]) -> FlatteningOptions | None:
    """Return how settings want rows flattened; None if they do not."""
    if not config.get("flattening_enabled"):
        return None
    from singer_sdk.helpers._flattening import get_flattening_options  # noqa: PLC0415 - most runs do without

    return get_flattening_options(config)  # type: ignore[arg-type]  # a mapping of settings has its keys


class StreamMap:
    """What becomes of the rows of a stream: here, they stay as they are.

    Attributes:
        stream_alias: Name of the stream as it goes on.
        raw_schema: Schema of the source stream.
        raw_key_properties: Key of the source stream.
        transformed_schema: Schema of the stream as it goes on.
        transformed_key_properties: Its key.
    """

    def __init__(
        self,
        stream_alias: str,
        raw_schema: dict[str, t.Any],
        key_properties: Sequence[str] | None,
        flattening_options: FlatteningOptions | None,
    ) -> None:
        self.stream_alias = stream_alias
        self.raw_schema = copy.deepcopy(raw_schema)
        self.raw_key_properties = key_properties
        self.transformed_key_properties = key_properties
        self.flattening_options = flattening_options
        self.transformed_schema = self.flatten_schema(raw_schema)

    @property
    def flattening_enabled(self) -> bool:
        """Whether rows are flattened."""
        options = self.flattening_options
        return options is not None and options.enabled and options.max_level > 0

    def flatten_record(self, record: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return a row flattened, if that is wanted."""
        options = self.flattening_options
        if options is None or not self.flattening_enabled:
            return record
        from singer_sdk.helpers._flattening import flatten_record  # noqa: PLC0415 - most runs do without

        return flatten_record(
            record,
            flattened_schema=self.transformed_schema,
            max_level=options.max_level,
            separator=options.separator,
            max_key_length=options.max_key_length,
        )

    def flatten_schema(self, schema: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return a schema flattened, if that is wanted."""
        options = self.flattening_options
        if options is None or not self.flattening_enabled:
            return schema
        from singer_sdk.helpers._flattening import flatten_schema  # noqa: PLC0415 - most runs do without

        return flatten_schema(
            schema,
            max_level=options.max_level,
            separator=options.separator,
            max_key_length=options.max_key_length,
        )

    def transform(self, record: dict[str, t.Any]) -> dict[str, t.Any] | None:
        """Return what becomes of a row; None if it does not go on."""
        return self.flatten_record(record)


class SameRecord(StreamMap):
    """Rows go on as they are."""


class RemovedStream(StreamMap):
    """A stream that does not go on."""

    def transform(self, record: dict[str, t.Any]) -> dict[str, t.Any] | None:
        """Return None."""
        del record
        return None
