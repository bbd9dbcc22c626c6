"""Lists of rows: query options, pages, change tracking (fact sheet sections 14 and 15)."""
