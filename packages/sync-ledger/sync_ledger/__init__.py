"""Upsert engine and ledger for Singer targets: one counted outcome per source row."""

from __future__ import annotations
