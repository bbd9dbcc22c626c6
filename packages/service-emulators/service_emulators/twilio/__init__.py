"""An emulated Twilio account: Messages, Calls and Lookup, with what phones would have received.

Follows Twilio's documents for the 2010-04-01 API; what they do not tell takes the strictest reading.
"""
