"""Alert rules over rows, in the words of Prometheus Alertmanager."""

from __future__ import annotations
