"""The listener as an ASGI application: who may call what, and what is answered."""

from __future__ import annotations

import asyncio
import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from sqlalchemy import exc, text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from sync_ledger.ledger.database import said
from sync_ledger.sending.journal import Journal

from target_twilio.listening.bodies import (
    EVENTS_LIMIT,
    FORM_LIMIT,
    events_of,
    form_of,
    json_form_of,
    read_body,
    word,
)
from target_twilio.listening.callbacks import Callbacks
from target_twilio.listening.mail_events import MailEvents
from target_twilio.listening.replies import Replies
from target_twilio.listening.signatures import (
    BODY_HASH,
    SENDGRID_HEADER,
    SENDGRID_TIME_HEADER,
    TWILIO_HEADER,
)
from target_twilio.twilio.messages import KEY_PARAMETER

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from sqlalchemy import Engine
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from sync_ledger.alerts.engine import AlertEngine

    from target_twilio.listening.bodies import Parameters
    from target_twilio.listening.signatures import SendGridSignature, TwilioSignature
    from target_twilio.listening.telling import Telling

_SECONDS: t.Final = 12.0
"""Time for the work of a request; Twilio waits 15 s for an answer ("Webhooks connection overrides")."""

_WORKERS: t.Final = 8
_AGAIN: t.Final = {"Retry-After": "30"}
_UNUSABLE: t.Final = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
_NOTHING_TO_SAY: t.Final = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

_Answer = t.TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Callers:
    """Who may call, and where.

    Attributes:
        twilio: Checks what comes from Twilio; in its place, why nothing of Twilio's is taken.
        sendgrid: The same of SendGrid.
        address: Public address; its path is served as well, for proxies that leave it in.
    """

    twilio: TwilioSignature | str
    sendgrid: SendGridSignature | str
    address: str = ""


class Listener:
    """Takes callbacks, replies and events. Work on the ledger is done in threads, a transaction each.

    Args:
        engine: The ledger's database.
        destination: The account.
        alerts: Its alerts.
        callers: Who may call.
        telling: The log.
    """

    def __init__(
        self, engine: Engine, destination: str, alerts: AlertEngine, callers: Callers, telling: Telling
    ) -> None:
        journal = Journal(engine, destination)
        self._engine = engine
        self._callers = callers
        self._telling = telling
        self._callbacks = Callbacks(journal, telling)
        self._replies = Replies(journal, alerts, telling)
        self._mail = MailEvents(journal, telling)
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="listener")

    def app(self) -> Starlette:
        """Return the application; the threads end with it."""
        routes: Sequence[BaseRoute] = [
            Route("/twilio/status", self._text, methods=["POST"]),
            Route("/twilio/call", self._call, methods=["POST"]),
            Route("/twilio/inbound", self._reply, methods=["POST"]),
            Route("/sendgrid/events", self._events, methods=["POST"]),
            Route("/healthz", self._health, methods=["GET"]),
        ]
        prefix = urlsplit(self._callers.address).path.rstrip("/")
        under = [Mount(prefix, routes=routes)] if prefix else []
        return Starlette(
            routes=[*routes, *under], exception_handlers={HTTPException: self._refused}, lifespan=self._life
        )

    @contextlib.asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            # What has begun is brought to its end; what has not will be told again.
            await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    async def _text(self, request: Request) -> Response:
        form = await self._from_twilio(request, "/twilio/status")
        sid = _needed(form, "MessageSid")
        _needed(form, "MessageStatus")
        key = word(request.query_params.get(KEY_PARAMETER))
        await self._do(lambda: self._callbacks.text(sid, key, form))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _call(self, request: Request) -> Response:
        form = await self._from_twilio(request, "/twilio/call")
        sid = _needed(form, "CallSid")
        _needed(form, "CallStatus")
        key = word(request.query_params.get(KEY_PARAMETER))
        await self._do(lambda: self._callbacks.call(sid, key, form))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _reply(self, request: Request) -> Response:
        form = await self._from_twilio(request, "/twilio/inbound")
        sid, person = _needed(form, "MessageSid"), _needed(form, "From")
        words, kind = form.get("Body", ""), word(form.get("OptOutType"))
        await self._do(lambda: self._replies.take(sid, person, words, kind))
        return Response(_NOTHING_TO_SAY, media_type="text/xml")

    async def _events(self, request: Request) -> Response:
        signature = self._callers.sendgrid
        if isinstance(signature, str):
            raise _off(signature)
        timestamp, signed = request.headers.get(SENDGRID_TIME_HEADER), request.headers.get(SENDGRID_HEADER)
        if timestamp is None or signed is None:
            raise _forbidden("no signature")
        body = await read_body(request, EVENTS_LIMIT)
        why = signature.refusal(timestamp, signed, body)
        if why is not None:
            raise _forbidden(why)
        events = events_of(body)
        await self._do(lambda: self._mail.take(events))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _health(self, _request: Request) -> Response:
        await self._do(self._ask_ledger)
        return PlainTextResponse("ok")

    def _ask_ledger(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    async def _from_twilio(self, request: Request, path: str) -> Parameters:
        """Return the parameters of a request of Twilio's.

        Raises:
            HTTPException: It is none of Twilio's, or cannot be read.
        """
        signature = self._callers.twilio
        if isinstance(signature, str):
            raise _off(signature)
        signed = request.headers.get(TWILIO_HEADER)
        if signed is None:
            raise _forbidden("no signature")
        body, query = await read_body(request, FORM_LIMIT), request.scope["query_string"].decode("latin-1")
        content: str | Parameters
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json":
            content, form = json_form_of(body)
            signs_body = bool(request.query_params.get(BODY_HASH))
        else:
            content = form = form_of(body)
            signs_body = True
        if not signs_body or not signature.fits(path, query, content, signed):
            raise _forbidden("wrong signature")
        return form

    async def _do(self, work: Callable[[], _Answer]) -> _Answer:
        """Do work on the ledger in a thread.

        Raises:
            HTTPException: The ledger cannot be used now; whoever calls may say it again.
        """
        self._telling.count("requests")
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.wait_for(future, _SECONDS)
        except asyncio.TimeoutError:
            why = "it did not answer in time"
        except _UNUSABLE as error:
            why = said(error)
        self._telling.warn("ledger_unusable", why=why)
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "the ledger cannot be used now", _AGAIN)

    async def _refused(self, request: Request, error: Exception) -> Response:
        refusal = t.cast("HTTPException", error)
        if refusal.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            self._telling.count("refused")
            if refusal.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
                self._telling.warn("refused", path=request.url.path, status=refusal.status_code, why=refusal.detail)
        return PlainTextResponse(f"{refusal.detail}\n", refusal.status_code, refusal.headers)


def _needed(form: Parameters, name: str) -> str:
    found = word(form.get(name))
    if found is None:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"{name} is missing")
    return found


def _forbidden(why: str) -> HTTPException:
    return HTTPException(HTTPStatus.FORBIDDEN, why)


def _off(why: str) -> HTTPException:
    """Return what to answer where a setting is missing: once it is there, what was said meanwhile is said again."""
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, why, _AGAIN)
