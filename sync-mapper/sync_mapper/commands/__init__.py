"""Commands beside the mapper itself."""

from __future__ import annotations
