"""`target-twilio doctor`: tries everything a run needs without telling anybody anything, and says what is wrong."""

from __future__ import annotations
