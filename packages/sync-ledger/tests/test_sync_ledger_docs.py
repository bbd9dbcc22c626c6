from __future__ import annotations

import re
from pathlib import Path

from sync_ledger.rows import REMEDIES

README = Path(__file__).parents[1] / "README.md"


def test_every_reason_that_needs_a_remedy_is_documented_with_it() -> None:
    table = README.read_text().split("## Reason codes")[1].split("##")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))
    assert documented == {reason.value: remedy for reason, remedy in REMEDIES.items()}
