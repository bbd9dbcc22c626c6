from __future__ import annotations

from pathlib import Path

from settings_tables import told, written

README = Path(__file__).parents[1] / "README.md"


def test_the_settings_table_equals_about() -> None:
    assert written(README) == told("target_dynamics.target")
