"""The sweep by itself: whatever vanishes, comes back or is lost on the way, the destination ends as the source is."""

from __future__ import annotations

import logging
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_jdedwards.deletes import DELETED_AT, KeysError, KeyStore, SourceShrunkError, Sweep, check_shrinkage
from tap_jdedwards.deletes.store import decoded, encoded

LOGGER = logging.getLogger("test")
PAGE = 3


class Pipeline:
    """A source with stamps, a destination, and runs between them that may be cut anywhere."""

    def __init__(self, folder):
        self.path = Path(folder) / "F0101.sqlite"
        self.source = {}  # key -> stamp of the last change that left one
        self.destination = {}
        self.state = {}
        self.now = 1

    def run(self, *, die_after=None, records_lost=False):
        """Read changes, then sweep; may die after some batches, with or without them in the destination."""
        arrived = []
        state = dict(self.state)
        sweep = Sweep(
            KeyStore(self.path, ["AN8"]),
            stream="F0101",
            key=["AN8"],
            properties=["AN8", "ALPH"],
            guard_percent=100,
            acknowledged=state.get("sweep"),
            logger=LOGGER,
        )
        with sweep:
            for number, (batch, saved) in enumerate(self._batches(sweep, state)):
                if number == die_after:
                    break
                arrived.extend(batch)
                if saved is not None:
                    self.state = dict(saved)
                    self._write(arrived)
                    arrived = []
        if not records_lost:
            self._write(arrived)

    def _batches(self, sweep, state):
        reached, loading = self.now, "bookmark" not in state
        if loading:
            sweep.begin_load(from_start=True)
        due = [key for key, stamp in self.source.items() if stamp >= state.get("bookmark", 0)]
        for start in range(0, len(due), PAGE):
            yield sweep.keep([{"AN8": key, "ALPH": "x"} for key in due[start : start + PAGE]]), None
        state["bookmark"] = reached
        yield [], state
        if loading:
            sweep.end_load()
            return
        there = sorted(self.source)
        pages = [[(key,) for key in there[start : start + PAGE]] for start in range(0, len(there), PAGE)]
        for batch in sweep.run(
            pages, lambda keys: [{"AN8": key, "ALPH": "x"} for (key,) in keys if key in self.source]
        ):
            yield batch, None
        state.update(sweep.to_state()["deletes"])
        yield [], state

    def _write(self, records):
        self.destination.update({record["AN8"]: record for record in records})

    def live(self):
        return {key for key, record in self.destination.items() if record[DELETED_AT] is None}


keys = st.integers(0, 12)
steps = st.one_of(
    st.tuples(st.just("insert"), keys),
    st.tuples(st.just("insert with an old stamp"), keys),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("run"), st.none()),
    st.tuples(st.just("cut"), st.tuples(st.integers(0, 8), st.booleans())),
)


@settings(max_examples=150, deadline=None)
@given(st.sets(keys), st.lists(steps, max_size=14))
def test_the_destination_ends_as_the_source_is(first, history):
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(folder)
        pipeline.source = dict.fromkeys(first, 0)
        for what, detail in history:
            pipeline.now += 1
            if what == "insert":
                pipeline.source[detail] = pipeline.now
            elif what == "insert with an old stamp":
                pipeline.source.setdefault(detail, 0)
            elif what == "delete":
                pipeline.source.pop(detail, None)
            elif what == "run":
                pipeline.run()
            else:
                pipeline.run(die_after=detail[0], records_lost=detail[1])
        for _ in range(2):  # the first one may be the first load
            pipeline.now += 1
            pipeline.run()
        assert pipeline.live() == set(pipeline.source)


parts = st.one_of(
    st.integers(-(10**15), 10**15),
    st.text(max_size=8),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.none(),
    st.dates().map(str),
)


@given(st.lists(parts, min_size=1, max_size=4))
def test_keys_survive_the_file(key):
    assert decoded(encoded(key)) == tuple(key)


def test_equal_numbers_are_one_key():
    assert len({encoded([value]) for value in (1, 1.0, Decimal("1.00"), Decimal("1E+0"))}) == 1
    assert len({encoded([value]) for value in (Decimal("1.5"), Decimal("1.500"), 1.5)}) == 1
    assert len({encoded([value]) for value in (1, "1", Decimal("1.5"), "", None)}) == 5


@pytest.mark.parametrize(
    ("known", "vanished", "percent", "trips"),
    [
        (1000, 0, 0, False),
        (1000, 200, 20, False),
        (1000, 201, 20, True),
        (20, 10, 20, False),
        (20, 11, 20, True),
        (3, 3, 20, True),
        (1000, 1000, 99, True),
        (1000, 1000, 100, False),
        (1000, 11, 0, True),
    ],
)
def test_the_guard(known, vanished, percent, trips):
    if not trips:
        check_shrinkage("F0101", known=known, vanished=vanished, percent=percent)
        return
    with pytest.raises(SourceShrunkError, match=r"F0101: .*nothing was deleted.*delete_guard_percent"):
        check_shrinkage("F0101", known=known, vanished=vanished, percent=percent)


def test_one_file_serves_one_run(tmp_path):
    path = tmp_path / "deep" / "F0101.sqlite"
    with KeyStore(path, ["AN8"]), pytest.raises(KeysError, match=r"F0101.sqlite \(keys_path\) is used by another run"):
        KeyStore(path, ["AN8"])
    KeyStore(path, ["AN8"])


def test_a_file_that_is_none_is_told(tmp_path):
    path = tmp_path / "F0101.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(KeysError, match=r"\(keys_path\) cannot be used"):
        KeyStore(path, ["AN8"])
    (tmp_path / "file").touch()
    with pytest.raises(KeysError, match=r"\(keys_path\) cannot be used"):
        KeyStore(tmp_path / "file" / "F0101.sqlite", ["AN8"])


def test_keys_of_another_key_are_learned_anew(tmp_path):
    with KeyStore(tmp_path / "F0101.sqlite", ["AN8"]) as store:
        store.put([(1,), (2,)])
        store.note(learned=1)
    with KeyStore(tmp_path / "F0101.sqlite", ["AN8", "CO"]) as store:
        assert (store.count(), store.learned) == (0, False)


def test_a_state_that_went_back_is_told(tmp_path, caplog):
    options = {"stream": "F0101", "key": ["AN8"], "properties": [], "guard_percent": 20, "logger": LOGGER}
    with Sweep(KeyStore(tmp_path / "keys", ["AN8"]), acknowledged=7, **options):
        assert caplog.text == ""
    with Sweep(KeyStore(tmp_path / "keys", ["AN8"]), acknowledged=5, **options):
        assert "The state of F0101 is older than" in caplog.text


def test_rows_that_start_date_leaves_out_are_neither_deleted_nor_taken_for_a_shrunken_source(tmp_path):
    options = {"stream": "F0101", "key": ["AN8"], "properties": [], "guard_percent": 20, "logger": LOGGER}
    source = set(range(100)) - {10, 90}

    def read(keys):
        return [{"AN8": key} for (key,) in keys if key in source]

    with Sweep(KeyStore(tmp_path / "keys", ["AN8"]), acknowledged=None, **options) as sweep:
        list(sweep.run([[(key,) for key in range(100)]], read))
        wanted = [[(key,) for key in sorted(source) if key >= 60]]
        told = [record for batch in sweep.run(wanted, read, left_out=59) for record in batch]
    assert [record["AN8"] for record in told if record[DELETED_AT]] == [10, 90]


def resident_kilobytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells the memory in use on Linux only")
def test_memory_stays_flat_at_a_million_keys(tmp_path):
    used = []

    def pages(count):
        for start in range(0, count, 1000):
            if start % 50_000 == 0:
                used.append(resident_kilobytes())
            yield [(key, "PV", "00001") for key in range(start, start + 1000)]

    key = ["DOC", "DCT", "KCO"]
    sweep = Sweep(
        KeyStore(tmp_path / "keys", key),
        stream="F0911",
        key=key,
        properties=[],
        guard_percent=100,
        acknowledged=None,
        logger=LOGGER,
    )
    with sweep:
        list(sweep.run(pages(50_000), lambda _: []))
        before = resident_kilobytes()
        found = sum(
            len(batch)
            for batch in sweep.run(pages(1_000_000), lambda some: [dict(zip(key, one, strict=True)) for one in some])
        )
        deleted = sum(len(batch) for batch in sweep.run(pages(50_000), lambda _: []))
        used.append(resident_kilobytes())
    assert (found, deleted) == (950_000, 950_000)
    assert max(used) - before < 30 * 1024
