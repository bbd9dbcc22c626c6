"""Commands of `alerts` run in this process, and what they leave in the ledger, for the tests of this folder."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.sending_tables import messages
from target_twilio.cli import main
from target_twilio_runs import PHONE


@dataclass
class Told:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> t.Any:
        return json.loads(self.out)


def alerts(*arguments: object) -> Told:
    """Run `alerts` in this process; an exception that gets out of it fails the test."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(one) for one in arguments])
    return Told(int(end.value.code or 0), out.getvalue(), err.getvalue())


def fails(*arguments: object) -> str:
    """Run a command that has to fail, and return its only line."""
    told = alerts(*arguments)
    assert told.code == 1, told
    assert told.out == ""
    (line,) = told.err.splitlines()
    return line


def change(config, file, **values):
    """Write other settings."""
    file.write_text(json.dumps({**config, **values}))


def change_rules(config, before, after):
    """Write other rules."""
    path = Path(config["rules"])
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def received(twilio, number=PHONE):
    twilio.control.advance(3600)
    return [one["text"] for one in twilio.received(number).get(number, [])]


def column(config, table, *names):
    query = select(*(table.c[name] for name in names)).order_by(*table.primary_key.columns)
    with open_engine(config["ledger_url"]).connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def statuses(config):
    return [status for (status,) in column(config, messages, "status")]


def later(config, table, **values):
    with open_engine(config["ledger_url"]).begin() as connection:
        connection.execute(update(table).values(values))


def ago(**length):
    return datetime.now(timezone.utc) - timedelta(**length)
