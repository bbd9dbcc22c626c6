"""Bulk jobs: file upload, bulk write and bulk read (fact sheet section 8)."""

from __future__ import annotations
