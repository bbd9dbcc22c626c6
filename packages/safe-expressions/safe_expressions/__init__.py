"""What keeps an expression of a user from taking all time or memory."""

from __future__ import annotations
