"""Several demos beside each other, each with emulators, a ledger and a state of its own: one seldom uses two cores."""

from __future__ import annotations

import json
import os
import sys
import time
import typing as t
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import children
from showing import HOME, ExpectationError, console

if t.TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from pipelines import Pipeline

LANES = 2
"""Demos at a time; on fewer cores they take turns."""


@dataclass(frozen=True)
class _Started:
    pipeline: Pipeline
    process: subprocess.Popen[bytes]
    stack: ExitStack
    output: Path
    result: Path


def show_all(pipelines: Sequence[Pipeline], customers: int) -> dict[str, t.Any]:
    """Run the demo of each pipeline, show what it says when it is done, and return the counts.

    Raises:
        ExpectationError: One of them failed.
    """
    told: dict[str, t.Any] = {}
    waiting, running = list(pipelines), list[_Started]()
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) < LANES:
                running.append(_start(waiting.pop(0), customers, stack.enter_context(ExitStack())))
                console.print(f"Started: JD Edwards to {running[-1].pipeline.label}; shown when it is done …")
            ended = [one for one in running if one.process.poll() is not None]
            for one in ended:
                running.remove(one)
                one.stack.close()
                console.out(f"\n{one.output.read_text().rstrip()}", highlight=False)
                if one.process.returncode:
                    raise ExpectationError(f"that of {one.pipeline.label}, see above")
                told.update(json.loads(one.result.read_text())["pipelines"])
            time.sleep(0.05)
    return {pipeline.mapping: told[pipeline.mapping] for pipeline in pipelines}


def _start(pipeline: Pipeline, customers: int, stack: ExitStack) -> _Started:
    demo = str(Path(__file__).with_name("demo.py"))
    result, output = HOME / f"{pipeline.name}.json", HOME / f"{pipeline.name}.out"
    command = [sys.executable, demo, pipeline.name, "--customers", str(customers), "--json", str(result)]
    environment = {**os.environ, "DEMO_HOME": str(HOME / pipeline.name)}
    if sys.stdout.isatty():
        environment["FORCE_COLOR"] = "1"
    log = stack.enter_context(output.open("wb"))
    process = stack.enter_context(children.child(command, stdout=log, stderr=log, env=environment))
    return _Started(pipeline, process, stack, output, result)
