"""SendGrid: mail."""

from __future__ import annotations

from target_twilio.sendgrid.mail import SendGridMail

__all__ = ["SendGridMail"]
