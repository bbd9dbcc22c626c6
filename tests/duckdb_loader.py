"""target-duckdb 0.8.0, the last release, with the one line that its main branch has corrected since (pull request 58).

As released it lets DuckDB guess whether a file of rows begins with headings, and so loses the first row of many loads.
"""

from __future__ import annotations

import target_duckdb
from target_duckdb.db_sync import DbSync


class Headless:
    """A connection that takes no row for headings."""

    def __init__(self, connection):
        self._connection = connection

    def execute(self, query, *parameters):
        """Execute a query."""
        return self._connection.execute(query.replace("WITH (new_line", "WITH (HEADER false, new_line"), *parameters)

    def __getattr__(self, name):
        return getattr(self._connection, name)


def main():
    """Run the target."""
    plain = DbSync.__init__

    def headless(self, connection, *arguments, **options):
        plain(self, Headless(connection), *arguments, **options)

    DbSync.__init__ = headless
    target_duckdb.main()


if __name__ == "__main__":
    main()
