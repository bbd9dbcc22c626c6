"""`target-dynamics doctor`: tries everything a load needs, and says what is wrong and what helps."""

from __future__ import annotations
