"""Twilio: texts and calls."""

from __future__ import annotations

from target_twilio.twilio.client import Twilio
from target_twilio.twilio.messages import TwilioMessages

__all__ = ["Twilio", "TwilioMessages"]
