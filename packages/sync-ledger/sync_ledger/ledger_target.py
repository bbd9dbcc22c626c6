"""Base of our targets: Singer messages in, settled rows and durable STATE out.

What the SDK's own base does not do and this one does (singer-sdk 0.54.9; the tests beside this package fail when one
of the seams moves): STATE goes out while the run lasts, at most `state_interval_seconds` apart and only when every row
before it is settled in the ledger; a bad row is held instead of ending the run; a child's batch first drains its
parents; SIGTERM never passes a STATE over rows in flight; what ends a run is one clear line and a non-zero exit.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import typing as t
from pathlib import Path

from secret_references.singer import SecretSettings
from singer_sdk import Target
from singer_sdk.exceptions import ConfigValidationError, MappingError, RecordsWithoutSchemaException
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.singerlib.exceptions import InvalidInputLine
from sqlalchemy.exc import SQLAlchemyError

from sync_ledger.checkpoints import Checkpoints
from sync_ledger.damaged import mended
from sync_ledger.errors import ConfigError, InputError, LedgerError, SyncError
from sync_ledger.ledger.database import said
from sync_ledger.messages import MessageReader, shown
from sync_ledger.observing import Observer, tracing
from sync_ledger.progress import Progress
from sync_ledger.settings import check_environment, nested
from sync_ledger.sinks import LedgerSink, SkippedSink

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from singer_sdk.sinks import Sink

    from sync_ledger.adapter import Usage
    from sync_ledger.rows import Settled, Tally

UNMAPPED_STREAM = "_unmapped"
"""Stream on which a mapper passes on rows it could not map."""

logger = logging.getLogger("sync_ledger")


class _Stop(BaseException):
    """Raised at a safe point after SIGTERM or SIGINT; not an `Exception`, so that nothing swallows it."""


class RunEngine(t.Protocol):
    """What settles the rows of a run; the target base needs no more of it."""

    @property
    def run_id(self) -> int:
        """Number of the run in the ledger."""

    @property
    def destination_name(self) -> str:
        """The account."""

    @property
    def tally(self) -> Tally:
        """Outcomes so far."""

    def settle_directly(self, settled: Sequence[Settled]) -> None:
        """Settle rows whose outcome is clear."""

    def note_state(self, *, came: Mapping[str, t.Any] | None = None, passed: Mapping[str, t.Any] | None = None) -> None:
        """Keep the run's first and last STATE in the ledger."""

    def note_alive(self) -> None:
        """Give a sign of life while no row is settled."""

    def finish(self) -> None:
        """Do what is left when all rows have come, and check the books."""

    def end(self, status: str, error: str | None = None) -> None:
        """Close the run in the ledger and let go of everything."""


EngineT = t.TypeVar("EngineT", bound=RunEngine)


class LedgerTarget(SecretSettings, Target, t.Generic[EngineT]):
    """A Singer target whose rows get an outcome each in a ledger, and whose STATE waits for them.

    What settles the rows is an engine; a kind of target gives `open_engine`, `usage` and its sinks.
    """

    settings_error = ConfigError
    message_reader_class = MessageReader
    default_sink_class: type[LedgerSink] = SkippedSink
    capabilities: t.ClassVar = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **kwargs: t.Any) -> None:
        super().__init__(**kwargs)
        # One sink after the other in the main thread: the engine's own pool does the work, and `drain_all` costs
        # 13 ms less without joblib.
        self.max_parallelism = 1
        self._engine: EngineT | None = None
        self._state_came = False
        self._passed: dict[str, t.Any] | None = None
        self._checkpoints = Checkpoints(self.config["state_interval_seconds"])
        self._busy = False
        self._stop_signal: int | None = None
        self.progress = Progress()

    @classproperty
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805 - as in the SDK
        return nested(super()._env_var_config, cls.config_jsonschema)

    def open_engine(self) -> EngineT:
        """Return this run's engine; called once, at the first SCHEMA: `--about` and empty input touch nothing."""
        raise NotImplementedError

    def usage(self) -> Usage:
        """Return what the run has used of the service."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Close what is open though no engine is."""

    def parents(self, entity: str) -> t.AbstractSet[str]:
        """Return the entities whose rows have to be settled before those of another."""
        del entity
        return frozenset()

    @property
    def engine(self) -> EngineT:
        """This run's engine."""
        if self._engine is None:
            self._engine = self.open_engine()
        return self._engine

    # -- sinks -------------------------------------------------------------------------------------------------

    def get_sink(
        self,
        stream_name: str,
        *,
        record: dict[str, t.Any] | None = None,
        schema: dict[str, t.Any] | None = None,
        key_properties: t.Sequence[str] | None = None,
    ) -> Sink:
        """Return the sink of a stream, opened when it is new."""
        before = self._sinks_active.get(stream_name)
        if schema is not None and before is not None:
            self.drain_one(before)  # a new sink may be full first, and the older value would be written last
        sink = super().get_sink(stream_name, record=record, schema=schema, key_properties=key_properties)
        if sink is not before and isinstance(sink, LedgerSink):
            sink.open()
        return sink

    @property
    def damage_came(self) -> bool:
        """Whether any line so far held half of a character, so that rows are worth a look."""
        return t.cast("MessageReader", self.message_reader).damaged

    def process(self, work: t.Callable[[], None]) -> None:
        """Run a piece of the engine that must not be cut short, then honour a signal that came meanwhile."""
        outer, self._busy = self._busy, True
        try:
            work()
        finally:
            self._busy = outer
        self.progress.report(self.engine.tally, self.usage())
        if self._stop_signal is not None and not self._busy:
            raise _Stop

    # -- messages ----------------------------------------------------------------------------------------------

    def _process_record_message(self, message_dict: dict[str, t.Any]) -> None:
        if not isinstance(message_dict.get("record"), dict):
            raise InputError(f"The input has a RECORD of {message_dict.get('stream')!r} whose record is no object")
        if self.damage_came and message_dict.get("stream") == UNMAPPED_STREAM:
            message_dict["record"] = mended(message_dict["record"])  # held anyway
        if "stream" in message_dict:
            self.keep_order(message_dict["stream"], message_dict["record"])
        super()._process_record_message(message_dict)

    def keep_order(self, stream: str, record: t.Mapping[str, t.Any]) -> None:
        """Settle first what waits of the same external ID on another sink: the later row counts."""

    def _process_activate_version_message(self, message_dict: dict[str, t.Any]) -> None:
        """Do nothing: records of a service are never dropped because a tap has begun anew."""

    def _process_batch_message(self, message_dict: dict[str, t.Any]) -> None:
        # The SDK would settle the file ahead of rows that came before it, and let STATE pass them.
        raise InputError(f"BATCH messages are not taken; let the tap send RECORD messages: {shown(message_dict)}")

    # -- state -------------------------------------------------------------------------------------------------

    def _process_state_message(self, message_dict: dict[str, t.Any]) -> None:
        super()._process_state_message(message_dict)
        if not self._state_came and self._engine is not None:
            self._state_came = True
            self.engine.note_state(came=message_dict["value"])
        waiting = (id(sink) for sink in self._sinks_active.values() if sink.current_size)
        self._checkpoints.came(message_dict["value"], waiting)
        if self._checkpoints.overdue():
            self._drain_in_time()
        else:
            self._pass_state()

    def _drain_in_time(self) -> None:
        """Let all sinks write what they hold, but for those that gather rows for a bulk write.

        A child would drain its parents first, so the children of these wait along with them.
        """
        gathering = {name for name, sink in self._sinks_active.items() if isinstance(sink, LedgerSink) and sink.gathers}
        if not gathering:
            self.drain_all()
            self._checkpoints.all_passed()
            return
        for name, sink in self._sinks_active.items():
            if name not in gathering and not self.parents(name) & gathering:
                self.drain_one(sink)
        self._checkpoints.put_off()
        self._pass_state()
        waiting = {name: self._sinks_active[name].current_size for name in sorted(gathering)}
        if self.progress.gathering(waiting):
            self.engine.note_alive()

    def _handle_max_record_age(self) -> None:
        if self._max_record_age_in_minutes > self._MAX_RECORD_AGE_IN_MINUTES:
            self._drain_in_time()
            self._reset_max_record_age()

    def settled(self, sink: Sink) -> None:
        """Note that all rows a sink held are settled, and pass on a STATE that waited for them only."""
        self._checkpoints.settled(id(sink))
        self._pass_state()

    def _pass_state(self) -> None:
        state = self._checkpoints.due()
        if state is not None:
            self._write_state_message(state)

    def _write_state_message(self, state: dict[str, t.Any]) -> None:
        # Plans and adoptions write no rows: passing STATE would skip those they only looked at.
        if self.config["mode"] != "apply":
            return
        if state != self._passed:  # the SDK passes the last one on again with every drain at the end
            if self._engine is not None:
                self._engine.note_state(passed=state)
            super()._write_state_message(state)
            self._passed = state
        self._checkpoints.passed()

    # -- start and end -----------------------------------------------------------------------------------------

    def process_endofpipe(self) -> None:
        """Settle what is left, replay failed rows, check the books, close the run."""
        self.drain_all()
        if self._engine is not None:
            self.process(self._engine.finish)
        super().process_endofpipe()
        if self._engine is not None:
            self.progress.summary(self._engine, self.usage())
            self._engine.end("succeeded")
            self._observed("succeeded", None)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Stop at the next point where every row sent is settled; rows still waiting are read again next time."""
        del frame
        first, self._stop_signal = self._stop_signal is None, signum
        if first and not self._busy:
            raise _Stop

    def run(self, file_input: t.IO[str] | None = None) -> int:
        """Process input to its end and return the exit code; the run's end is in the ledger whatever happens."""
        try:
            if self.config["tracing"]:
                tracing.start(self.name)
            with tracing.span("run", parent=True, target=self.name, mode=self.config["mode"]) as told:
                code = self._run(file_input)
                told["exit_code"] = code
                if self._engine is not None:
                    told.update({f"rows.{outcome}": rows for outcome, rows in self._engine.tally.by_outcome().items()})
        except ConfigError as error:
            self.logger.error("%s", error)  # noqa: TRY400 - one line for people
            return 1
        finally:
            tracing.stop()
        return code

    def _run(self, file_input: t.IO[str] | None) -> int:
        try:
            with _as_sync_errors():
                self.listen(file_input)
        except SyncError as error:
            self._close("failed", str(error))
            self.logger.error("%s", error)  # noqa: TRY400 - one line for people; the error says what to do
            return 1
        except _Stop:
            name = signal.Signals(self._stop_signal or signal.SIGTERM).name
            self._close("stopped", name)
            self.logger.warning("Stopped by %s; the next run goes on where this one was", name)
            return 128 + (self._stop_signal or signal.SIGTERM)
        except BaseException as error:
            self._close("failed", f"{type(error).__name__}: {error}")
            raise
        return 0

    def _observed(self, status: str, error: str | None) -> None:
        Observer(self.name, self.config).ended(
            status,
            error,
            run_id=self._engine.run_id if self._engine else None,
            destination=self._engine.destination_name if self._engine else None,
        )

    def _close(self, status: str, error: str) -> None:
        if self._engine is not None:
            try:
                self._engine.end(status, error)
            except SQLAlchemyError as problem:
                self.logger.warning("The ledger could not take the end of the run: %s", said(problem))
        else:
            self.let_go()
        self._observed(status, error)

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Add the SDK's own settings, less those of SQL targets, which would do nothing here."""
        super().append_builtin_config(config_jsonschema)
        properties = config_jsonschema["properties"]
        for name in ("add_record_metadata", "load_method"):
            properties.pop(name, None)
        properties["batch_size_rows"] = {**properties["batch_size_rows"], "minimum": 1}

    @classmethod
    def invoke(
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: t.Any = None,
        file_input: t.IO[str] | None = None,
        **kwargs: t.Any,
    ) -> None:
        """Run from the command line."""
        del kwargs
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        given = config.config if config else {}
        parse_env = bool(config and config.parse_env)
        try:
            if parse_env:
                check_environment(cls.config_jsonschema, cls._env_var_prefix)
            target = cls(config=given, parse_env_config=parse_env, validate_config=True)
        except ConfigValidationError as error:
            for problem in error.errors:
                cls.logger.error("Setting: %s", problem)  # noqa: TRY400
            sys.exit(1)
        except ConfigError as error:
            cls.logger.error("%s", error)  # noqa: TRY400 - one line for people
            sys.exit(1)
        sys.exit(target.run(file_input))

    @classmethod
    def cb_config(cls, ctx: t.Any, param: t.Any, value: tuple[str, ...]) -> t.Any:
        """Read the files given with `--config`; one that cannot be read is one line."""
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, ValueError, TypeError) as error:
            reason = error if isinstance(error, OSError) else _no_object(value)
            cls.logger.error("A file given with --config cannot be read: %s", reason)  # noqa: TRY400
            sys.exit(1)


def _no_object(names: t.Sequence[str]) -> str:
    """Return which file holds no JSON object, and where it goes wrong, but nothing of what it holds: secrets."""
    for name in names:
        try:
            if name != "ENV" and not isinstance(json.loads(Path(name).read_bytes()), dict):
                return f"{name} does not hold a JSON object"
        except json.JSONDecodeError as error:
            return f"{name}:{error.lineno}:{error.colno}: {error.msg}"
        except ValueError:
            return f"{name} is no text in UTF-8"
    return "it does not hold a JSON object"


@contextlib.contextmanager
def _as_sync_errors() -> t.Iterator[None]:
    """Turn what others raise for reasons that lie outside this program into errors of one line."""
    try:
        yield
    except (InvalidInputLine, RecordsWithoutSchemaException, UnicodeDecodeError) as error:
        raise InputError(shown(error)) from error
    except MappingError as error:
        raise ConfigError(f"setting stream_maps: {shown(error)}") from error
    except SQLAlchemyError as error:
        raise LedgerError(f"The ledger failed while it was written: {said(error)}; nothing settled is lost") from error
