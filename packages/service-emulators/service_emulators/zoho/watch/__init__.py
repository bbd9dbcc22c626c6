"""Notifications: channels that are told of changed records (fact sheet section 9)."""

from __future__ import annotations
