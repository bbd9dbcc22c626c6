"""What plug-ins share in calling a web service: one exchange, told apart by its effect, and OAuth tokens in a file."""

from __future__ import annotations

from service_calls.clock import ServerClock, server_time
from service_calls.faults import TIMED_OUT, BusyError, LostAnswerError, NotSentError
from service_calls.oauth import OAuth, TokenLimit, TokenReplacedError
from service_calls.patience import keep_trying
from service_calls.service import Service
from service_calls.tally import Tally
from service_calls.token_file import Tokens, kept_tokens, mark
from service_calls.transport import Transport, transport_error

__all__ = [
    "TIMED_OUT",
    "BusyError",
    "LostAnswerError",
    "NotSentError",
    "OAuth",
    "ServerClock",
    "Service",
    "Tally",
    "TokenLimit",
    "TokenReplacedError",
    "Tokens",
    "Transport",
    "keep_trying",
    "kept_tokens",
    "mark",
    "server_time",
    "transport_error",
]
