"""A seeded AIS emulator, and a way to run the tap against it in this process."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from secret_leaks import look
from service_emulators.testing import start_jde
from tap_jdedwards.dictionary import Kind, load_dictionary
from tap_jdedwards.tap import TapJDEdwards
from tap_jdedwards.writer import StdoutWriter, format_batch


class PipelineKilled(BaseException):
    """What follows the tap died; not an Exception, so that nothing in the tap takes it for its own."""


class Collector(StdoutWriter):
    """Keeps the messages as a reader of the pipe would decode them; may die after some records."""

    def __init__(self, die_after=None, on_state=None):
        super().__init__()
        self.messages = []
        self._records_left = die_after
        self._on_state = on_state

    def write_message(self, message):
        self._take(bytes(self.format_message(message)))

    def write_batch(self, stream, records, *, version, time_extracted):
        for line in format_batch(stream, records, version=version, time_extracted=time_extracted).splitlines(True):
            self._take(line)

    def _take(self, line):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        decoded = json.loads(line)
        if decoded["type"] == "RECORD" and self._records_left is not None:
            if not self._records_left:
                raise PipelineKilled
            self._records_left -= 1
        self.messages.append(decoded)
        if decoded["type"] == "STATE" and self._on_state is not None:
            self._on_state()


@dataclass
class Output:
    """What a run of the tap wrote."""

    messages: list
    failures: dict
    records: dict = field(init=False)
    schemas: dict = field(init=False)
    states: list = field(init=False)

    def __post_init__(self):
        self.records = defaultdict(list)
        for message in self.messages:
            if message["type"] == "RECORD":
                self.records[message["stream"]].append(message["record"])
        self.schemas = {message["stream"]: message for message in self.messages if message["type"] == "SCHEMA"}
        self.states = [message["value"] for message in self.messages if message["type"] == "STATE"]

    @property
    def state(self):
        return self.states[-1]

    def bookmark(self, stream):
        return self.state["bookmarks"][stream]

    def keys(self, stream):
        names = self.schemas[stream]["key_properties"]
        return [tuple(record[name] for name in names) for record in self.records[stream]]

    def numbers(self, stream):
        """The address numbers of a composed stream's documents."""
        return {record["address_number"] for record in self.records[stream]}


class Runner:
    """Runs the tap against one emulator."""

    def __init__(self, jde):
        self.jde = jde

    def config(self, **changes):
        settings = {
            "ais_url": self.jde.url,
            "username": self.jde.username,
            "password": self.jde.password,
            "tables": [],
            "streams": [],
        }
        return {**settings, **changes}

    def tap(self, *, state=None, catalog=None, writer=None, **changes):
        given = None if state is None else json.loads(json.dumps(state))
        return TapJDEdwards(
            config=self.config(**changes), state=given, catalog=catalog, message_writer=writer or Collector()
        )

    def __call__(self, *, die_after=None, on_state=None, **options):
        writer = Collector(die_after, on_state)
        tap = self.tap(writer=writer, **options)
        try:
            tap.sync_all()
        except PipelineKilled:
            pass
        finally:
            tap.close()
        output = Output(writer.messages, tap.failures)
        look(json.dumps([output.states, output.schemas, output.failures]), "what the tap wrote")
        return output


@pytest.fixture
def jde():
    """A small company of its own for each test that changes something."""
    with start_jde(customers=30, contacts=45, seed=7) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def company():
    """A larger company for tests that only read."""
    with start_jde(customers=250, contacts=400, seed=3) as emulator:
        yield emulator


@pytest.fixture
def run(jde):
    return Runner(jde)


@pytest.fixture
def read(company):
    """Runs the tap against the company that nobody changes; switches are put back after the test."""
    before = company.control.switches()
    yield Runner(company)
    company.control.switch(**before)
    company.control.clear_faults()


@pytest.fixture(scope="session")
def runner_of():
    """Makes a runner for an emulator that a test starts itself."""
    return Runner


@pytest.fixture(scope="session")
def as_record():
    """Tells what the tap must make of a row as people read it."""
    kinds = load_dictionary().kinds

    def record_of(row, key=()):
        record = dict(row)
        for alias, value in row.items():
            if kinds.get(alias) is Kind.TIME and value is not None:
                record[alias] = f"{value // 10000:02}:{value // 100 % 100:02}:{value % 100:02}"
            elif kinds.get(alias) is Kind.DATE and alias in key:
                record[alias] = value or "1900-01-01"
            elif kinds.get(alias) is Kind.CHARACTER:
                record[alias] = value or None
        return record

    return record_of
