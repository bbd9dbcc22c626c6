"""Messages that must go out once: kept before they are sent, followed until they have arrived."""

from __future__ import annotations
