"""What the tables of the environment look like: the model, its data, and the live catalog."""

from __future__ import annotations
