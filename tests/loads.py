"""Loaders of others, fed with what the tap writes; each tells what it has in the end."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from psycopg.rows import dict_row

if t.TYPE_CHECKING:
    from suite import Suite

JSONL = ("uv", "tool", "run", "--from", "target-jsonl==0.1.4", "target-jsonl")
"""In an environment of its own: it pins a jsonschema of 2017 that nothing else can live with."""

NO_BLANK_KEY = {"F0005": {"KY": "KY or ' '"}}
"""target-duckdb takes an empty text for null, which a key cannot be; the recipe says so."""


@dataclass
class Extraction:
    """Runs the tap of a suite again and again, as a schedule would.

    Attributes:
        suite: Emulators and environment.
        settings: Settings of the tap beside address and log-in.
        state: What the loader settled last.
    """

    suite: Suite
    settings: dict[str, t.Any]
    state: dict[str, t.Any] | None = None

    def run(self) -> list[dict[str, t.Any]]:
        """Write the next run's messages to `file` and return them."""
        config = self.suite.home / "tap.config.json"
        access = {"ais_url": self.suite.jde.url, "username": "TAPUSER", "password": self.suite.jde.password}
        config.write_text(json.dumps({**access, **self.settings}))
        command = ["tap-jdedwards", "--config", str(config)]
        if self.state is not None:
            (self.suite.home / "state.json").write_text(json.dumps(self.state))
            command += ["--state", str(self.suite.home / "state.json")]
        done = self.suite.call(*command)
        assert done.returncode == 0, done.stderr
        self.file.write_text(done.stdout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def file(self) -> Path:
        """The messages of the last run."""
        return self.suite.home / "messages.singer"

    def load(self, loader: Loader) -> list[dict[str, t.Any]]:
        """Extract and load; the loader's state is the next run's."""
        messages = self.run()
        self.state = loader.load(self)
        return messages


class Loader(t.Protocol):
    """A target and its tables."""

    def load(self, extraction: Extraction) -> dict[str, t.Any]:
        """Load the last extraction and return the state that the target has settled."""

    def rows(self, stream: str) -> list[dict[str, t.Any]]:
        """Return the rows of a stream's table."""


def feed(extraction: Extraction, config: dict[str, t.Any], *command: str) -> dict[str, t.Any]:
    """Pipe the last extraction into a target."""
    file = extraction.suite.home / "target.json"
    file.write_text(json.dumps(config))
    with extraction.file.open() as lines:
        done = extraction.suite.call(*command, "--config", str(file), stdin=lines)
    assert done.returncode == 0, done.stderr
    state: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    return state


@dataclass
class Postgres:
    """MeltanoLabs' target-postgres into a schema of its own."""

    uri: str
    schema: str
    hard_delete: bool = False

    def load(self, extraction: Extraction) -> dict[str, t.Any]:
        """See `Loader`."""
        url = self.uri.replace("postgresql://", "postgresql+psycopg://")
        config = {"sqlalchemy_url": url, "default_target_schema": self.schema, "hard_delete": self.hard_delete}
        return feed(extraction, config, "target-postgres")

    def rows(self, stream: str) -> list[dict[str, t.Any]]:
        """See `Loader`."""
        with psycopg.connect(self.uri, row_factory=dict_row) as connection:
            return connection.execute(f'SELECT * FROM {self.schema}."{stream}"').fetchall()  # type: ignore[arg-type]

    def types(self, stream: str) -> dict[str, str]:
        """Return the type of each column."""
        query = (
            "SELECT column_name, data_type FROM information_schema.columns WHERE (table_schema, table_name) = (%s, %s)"
        )
        with psycopg.connect(self.uri) as connection:
            return dict(connection.execute(query, (self.schema, stream)).fetchall())


@dataclass
class DuckDb:
    """target-duckdb into a file; it writes names in small letters."""

    file: Path

    def load(self, extraction: Extraction) -> dict[str, t.Any]:
        """See `Loader`."""
        config = {"filepath": str(self.file), "default_target_schema": "jde", "hard_delete": True}
        return feed(extraction, config, sys.executable, str(Path(__file__).with_name("duckdb_loader.py")))

    def rows(self, stream: str) -> list[dict[str, t.Any]]:
        """See `Loader`."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            found = connection.execute(f'SELECT * FROM jde."{stream.lower()}"')
            names = [column[0].upper() if stream.isupper() else column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def types(self, stream: str) -> dict[str, str]:
        """Return the type of each column."""
        query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?"
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return {name.upper(): kind for name, kind in connection.execute(query, [stream.lower()]).fetchall()}


@dataclass
class Jsonl:
    """target-jsonl into files, one line a record, nothing ever replaced."""

    folder: Path

    def load(self, extraction: Extraction) -> dict[str, t.Any]:
        """See `Loader`."""
        self.folder.mkdir(exist_ok=True)
        settings = extraction.suite.settings
        settings["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
        for name, value in os.environ.items():
            if name.endswith(("CA_BUNDLE", "CERT_FILE")) or name.startswith(("UV_", "PIP_")):
                settings.setdefault(name, value)
        return feed(extraction, {"destination_path": str(self.folder), "do_timestamp_file": False}, *JSONL)

    def rows(self, stream: str) -> list[dict[str, t.Any]]:
        """See `Loader`."""
        return [json.loads(line) for line in (self.folder / f"{stream}.jsonl").read_text().splitlines()]
