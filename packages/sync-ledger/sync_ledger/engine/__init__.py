"""The upsert engine: validate, relate, resolve, diff, write, settle. No vendor and no Singer in it."""

from __future__ import annotations
