"""Metrics of the last run in Prometheus' text format, for the textfile collector of its node exporter."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import typing as t
from datetime import datetime
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

logger = logging.getLogger("sync_ledger")

_READABLE = 0o644

Sample = tuple["dict[str, str]", float]


def exposition(run: Mapping[str, t.Any], waiting: Mapping[tuple[str, str], int], last_success: str | None) -> str:
    """Return the metrics of a run.

    Args:
        run: The run as `History.run` returns it.
        waiting: (entity, outcome) -> rows that wait.
        last_success: When the last run that succeeded ended, in ISO form.
    """
    own = {"target": run["target"], "destination": run["destination"]}
    rows = [
        ({**own, "entity": item["entity"], "outcome": item["outcome"], "reason": item["reason"]}, float(item["rows"]))
        for item in run["counts"]
    ]
    held = [({**own, "entity": entity, "outcome": outcome}, float(n)) for (entity, outcome), n in waiting.items()]
    families: list[tuple[str, str, Iterable[Sample]]] = [
        ("sync_last_run_success", "1 if the last run succeeded", [(own, float(run["status"] == "succeeded"))]),
        ("sync_last_run_end_time_seconds", "When the last run ended", _moment(own, run["ended_at"])),
        ("sync_last_success_time_seconds", "When a run last succeeded", _moment(own, last_success)),
        ("sync_last_run_duration_seconds", "How long the last run took", _number(own, run["seconds"])),
        ("sync_last_run_rows", "Rows of the last run by outcome and reason", rows),
        ("sync_last_run_calls", "Requests the last run sent", _number(own, run["calls"])),
        ("sync_last_run_writes", "Requests of the last run that may change data", _number(own, run["writes"])),
        ("sync_last_run_cost", "What the last run used of the budget", _number(own, run["cost"])),
        ("sync_budget_left", "What is left of the daily budget, as far as known", _number(own, run["budget_left"])),
        ("sync_rows_waiting", "Rows that are held, rejected or failed and not settled since", held),
    ]
    lines = []
    for name, meaning, samples in families:
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{{{_labels(labels)}}} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def write(path: str, content: str) -> bool:
    """Put a file in place in one step, so that nobody reads half of it; False, and a line in the log, if not."""
    place = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    except OSError as error:
        logger.warning("metrics_file %s cannot be written: %s", path, error.strerror)
        return False
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(name).chmod(_READABLE)  # the collector runs as another user
        Path(name).replace(place)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        logger.warning("metrics_file %s cannot be written: %s", path, error.strerror)
        return False
    return True


def _number(labels: dict[str, str], value: float | None) -> list[Sample]:
    return [] if value is None else [(labels, float(value))]


def _moment(labels: dict[str, str], moment: str | None) -> list[Sample]:
    return [] if moment is None else [(labels, datetime.fromisoformat(moment).timestamp())]


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
