"""The wire limit: requests alone, each page only parsed. Prints the number of rows.

    bare_loop.py FILE WORKERS

FILE holds ranges of document numbers that make one page each. Nobody has them before a table was read; that they are
given spares the loop everything a real reader needs to find its way.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ais
import requests


def main() -> None:
    """Read all ranges."""
    ranges, workers = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])
    headers = ais.log_in()
    own = threading.local()

    def read(span: list[int]) -> int:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        body = ais.browse(query=ais.between(*span), aggregation=ais.by_key(), maxPageSize="No Max")
        answer = own.session.post(f"{ais.URL}/dataservice", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return len(ais.rows_of(answer.json()))

    with ThreadPoolExecutor(workers) as pool:
        print(sum(pool.map(read, ranges)))


if __name__ == "__main__":
    main()
