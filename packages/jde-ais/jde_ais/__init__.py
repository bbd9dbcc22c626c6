"""Client of the JD Edwards AIS Server: sessions, typed queries, keyset pages, JDE values."""

from __future__ import annotations
