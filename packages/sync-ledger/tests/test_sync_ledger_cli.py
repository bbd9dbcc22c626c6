from __future__ import annotations

import json
import typing as t

import pytest
from fake_destination import FakeDestination
from sync_ledger.cli import app
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.ledger import Ledger
from sync_ledger.ledger.clock import now
from sync_ledger.rows import SourceRow
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def filled(ledger_url: str) -> str:
    """A ledger with two runs: one create and one held row, then an update."""
    url = ledger_url
    account = FakeDestination()
    for name in ("Old name", "New name"):
        engine = UpsertEngine(account, Ledger(url, account.name), target="target-fake", options=Options())
        engine.process(
            "organizations",
            [
                SourceRow("organizations", "1", {"name": name, "Credit Limit": 5}),
                SourceRow("organizations", "2", {"name": "x" * 300}),
            ],
        )
        engine.finish()
        engine.end("succeeded")
    return url


def call(*arguments: str) -> t.Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "180"})


def test_runs_lists_outcomes_that_sum_to_the_rows(filled: str) -> None:
    found = json.loads(call("runs", "--ledger-url", filled, "--json").stdout)
    assert [run["outcomes"] for run in found] == [{"created": 1, "held": 1}, {"held": 1, "updated": 1}]
    assert all(sum(run["outcomes"].values()) == run["rows"] for run in found)
    assert "1 created, 1 held" in call("runs", "--ledger-url", filled).stdout


def test_run_shows_counts_by_reason(filled: str) -> None:
    found = json.loads(call("run", "1", "--ledger-url", filled, "--json").stdout)
    assert {"entity": "organizations", "outcome": "held", "reason": "too_long", "rows": 1} in found["counts"]
    assert "too_long" in call("run", "1", "--ledger-url", filled).stdout
    missing = call("run", "99", "--ledger-url", filled)
    assert missing.exit_code == 1


def test_held_names_field_reason_and_remedy_once_per_row(filled: str) -> None:
    (row,) = json.loads(call("held", "--ledger-url", filled, "--json").stdout)
    assert (row["external_id"], row["reason"], row["field"]) == ("2", "too_long", "name")
    assert "shorten" in row["remedy"]
    assert json.loads(call("held", "--ledger-url", filled, "--reason", "ambiguous", "--json").stdout) == []
    assert "too_long" in call("held", "--ledger-url", filled).stdout


def test_why_tells_old_and_new_values(filled: str) -> None:
    found = json.loads(call("why", "organizations", "1", "--ledger-url", filled, "--json").stdout)
    assert found["outcomes"][-1]["changes"] == {"name": ["Old name", "New name"]}
    shown = call("why", "organizations", "1", "--ledger-url", filled).stdout
    assert "Old name" in shown
    assert "New name" in shown
    assert call("why", "organizations", "404", "--ledger-url", filled).exit_code == 1


def test_a_missing_or_corrupt_ledger_is_one_clear_line(tmp_path: Path) -> None:
    missing = call("runs", "--ledger-url", f"sqlite:///{tmp_path}/none.db")
    assert missing.exit_code == 1
    assert missing.stderr.count("\n") == 1
    assert "There is no ledger" in missing.stderr
    (tmp_path / "bad.db").write_bytes(b"not a database, but long enough to be taken for one" * 50)
    corrupt = call("runs", "--ledger-url", f"sqlite:///{tmp_path}/bad.db")
    assert corrupt.exit_code == 1
    assert "cannot be used: file is not a database" in corrupt.stderr
    assert corrupt.stderr.count("\n") == 1
    assert call("runs", "--ledger-url", "mysql://root:secret@host/db").exit_code == 1


def test_what_looks_like_markup_in_rows_is_shown_as_it_is(ledger_url: str) -> None:
    account = FakeDestination()
    engine = UpsertEngine(account, Ledger(ledger_url, account.name), target="target-fake", options=Options())
    rows = [{"name": "[/red]x"}, {"name": ["[/b]"]}]
    engine.process("organizations", [SourceRow("organizations", str(key), row) for key, row in enumerate(rows)])
    engine.end("succeeded")
    assert "[/red]x" in call("why", "organizations", "0", "--ledger-url", ledger_url).stdout
    assert "[/b]" in call("held", "--ledger-url", ledger_url).stdout


def test_why_knows_of_a_write_in_flight(ledger_url: str) -> None:
    ledger = Ledger(ledger_url, "fake:account")
    ledger.links.intend(1, "organizations", {"1": "create"}, now())
    ledger.close()
    assert "in flight" in call("why", "organizations", "1", "--ledger-url", ledger_url).stdout


@pytest.mark.parametrize("arguments", [("run", str(2**70)), ("runs", "--limit", str(2**70)), ("runs", "--limit", "0")])
def test_numbers_no_database_counts_with_are_refused(filled: str, arguments: tuple[str, ...]) -> None:
    refused = call(*arguments, "--ledger-url", filled)
    assert refused.exit_code == 2
    assert isinstance(refused.exception, SystemExit)
