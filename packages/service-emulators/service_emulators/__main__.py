"""Lets `python -m service_emulators` do what `service-emulators` does."""

from __future__ import annotations

from service_emulators.cli import app

app()
