from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_settings_table_equals_about() -> None:
    text = subprocess.run(
        [sys.executable, "-m", "target_dynamics.target", "--about", "--format=json"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout
    schema = json.loads(text)["settings"]
    wanted = [
        (
            name,
            "yes" if name in schema.get("required", []) else "",
            f"`{item['default']}`" if item.get("default") not in (None, "") else "",
            item["description"].strip(),
        )
        for name, item in schema["properties"].items()
    ]
    table = README.split("<!-- settings", 1)[1].split("<!-- /settings", 1)[0]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in re.findall(r"^\| `.*$", table, re.M)
    ]
    assert [(name.strip("`"), *rest) for name, *rest in rows] == wanted
