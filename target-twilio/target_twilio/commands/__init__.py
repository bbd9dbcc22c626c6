"""Commands of `alerts`: trying alert files out, looking at what became of alerts and messages, and acting on them."""

from __future__ import annotations
