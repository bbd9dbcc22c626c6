"""`python -m sync_mapper` does what the command `sync-mapper` does."""

from __future__ import annotations

from sync_mapper.cli import main

if __name__ == "__main__":
    main()
