"""`alerts listen`: what Twilio and SendGrid report of messages, and what people answer, comes in here."""

from __future__ import annotations
