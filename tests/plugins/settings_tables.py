"""Settings tables in the READMEs of plug-ins, as a plug-in's `--about` would have them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path


def told(module: str) -> list[tuple[str, ...]]:
    """Return name, whether it is required, default and meaning of each setting, as a plug-in tells them.

    Args:
        module: Module that runs the plug-in.
    """
    text = subprocess.run(
        [sys.executable, "-m", module, "--about", "--format=json"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout
    schema = json.loads(text)["settings"]
    return [
        (
            name,
            "yes" if name in schema.get("required", []) else "",
            f"`{item['default']}`" if item.get("default") not in (None, "") else "",
            item["description"].strip(),
        )
        for name, item in schema["properties"].items()
    ]


def written(readme: Path) -> list[tuple[str, ...]]:
    """Return the same as the table between the two marks of a README has them."""
    table = readme.read_text("utf-8").split("<!-- settings", 1)[1].split("<!-- /settings", 1)[0]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in re.findall(r"^\| `.*$", table, re.M)
    ]
    return [(name.strip("`"), *rest) for name, *rest in rows]
