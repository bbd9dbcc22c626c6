"""Write ranges of document numbers of about a page each into a file, for the bare loop.

ranges.py FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ais
import requests


def main() -> None:
    """Count the lines of each document and cut where a page is full."""
    body = ais.browse(
        dataServiceType="AGGREGATION",
        aggregation={
            "aggregations": [{"column": "*", "aggregation": "COUNT"}],
            "groupBy": [{"column": "F0911.DOC"}],
            "orderBy": [{"column": "F0911.DOC", "direction": "ASC"}],
        },
    )
    answer = requests.post(f"{ais.URL}/dataservice", json=body, headers=ais.log_in(), timeout=60).json()
    ranges: list[list[int]] = []
    rows = ais.PAGE_SIZE
    for group in answer["ds_F0911"]["output"]:
        document, lines = group["groupBy"]["F0911.DOC"], group["COUNT"]
        if rows + lines > ais.PAGE_SIZE:
            ranges.append([document, document])
            rows = 0
        ranges[-1][1] = document
        rows += lines
    Path(sys.argv[1]).write_text(json.dumps(ranges))


if __name__ == "__main__":
    main()
