"""`alerts listen`: a server for what Twilio and SendGrid report, and what people answer."""

from __future__ import annotations

import importlib.util
import logging
import typing as t

import typer
from sync_ledger.errors import ConfigError

from target_twilio.commands.common import FROM_ENVIRONMENT, settings
from target_twilio.commands.options import ConfigOption  # noqa: TC001 - typer reads it

_NEEDED: t.Final = ("cryptography", "starlette", "twilio", "uvicorn")


def listen(
    config: ConfigOption = FROM_ENVIRONMENT,
    host: t.Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: t.Annotated[int, typer.Option(help="Port to listen on; 0 lets the system choose.", min=0, max=65535)] = 8080,
) -> None:
    """Listen to how far messages are and what people answer, until SIGTERM or Ctrl+C."""
    lacking = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise ConfigError(
            f"`alerts listen` needs {', '.join(lacking)}; install it with: pip install 'target-twilio[listen]'"
        )
    from target_twilio.listening.serving import Server  # noqa: PLC0415 - the other commands need none of it

    logging.getLogger("target_twilio.listening").setLevel(logging.INFO)
    Server(settings(config), host, port).run()
