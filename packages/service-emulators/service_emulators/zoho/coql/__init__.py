"""COQL, the query language of `POST /crm/v8/coql`: text to syntax tree (`parser.py`), tree to SQL (`translate.py`)."""

from __future__ import annotations
