"""An emulated SendGrid account: mail/send, suppressions and the Event Webhook, with what mailboxes would have received.

Follows SendGrid's documents of API v3; what they do not tell takes the strictest reading.
"""
