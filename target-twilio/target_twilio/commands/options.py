"""Options that many commands of `alerts` have."""

from __future__ import annotations

import typing as t

import typer

ConfigOption = t.Annotated[
    list[str],
    typer.Option("--config", help="Settings: a JSON file, or ENV for environment variables; several are merged."),
]
JsonOption = t.Annotated[bool, typer.Option("--json", help="Print JSON.")]
