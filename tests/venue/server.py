"""Sockets for a room: the one place where the venue waits, sends, and goes wrong on command."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from aiohttp import WSMsgType, web

from tests.venue.background import FLOW
from tests.venue.core.model import Change, OrderEvent, RefusalError
from tests.venue.core.rules import floor_to_step
from tests.venue.faults import Action, Fault, FaultPlan
from tests.venue.floor import Floor
from tests.venue.garble import Mode, garble
from tests.venue.protocol import HttpReply, HttpRequest, Message, Room, Session, to_text

TICK_S = 0.05
CLOSE_S = 1.0
_REFUSALS = (Action.REJECT, Action.RATE_LIMIT, Action.BAN)


class LostError(Exception):
    """The connection is to break without an answer."""


class Connection:
    """One WebSocket: messages queue here and leave in order, as far as the faults allow."""

    def __init__(self, server: RoomServer, session: Session) -> None:
        self.session = session
        self._server = server
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._held: Message | None = None
        self._socket = web.WebSocketResponse(timeout=CLOSE_S)
        self._request: web.Request | None = None

    def send(self, messages: list[Message]) -> None:
        for message in messages:
            self._queue.put_nowait(message)
        if self.session.closed:
            self._queue.put_nowait(None)

    def abort(self) -> None:
        """Break the connection without a goodbye."""
        if self._request is not None and self._request.transport is not None:
            self._request.transport.abort()

    def close(self) -> None:
        self._queue.put_nowait(None)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        self._request = request
        await self._socket.prepare(request)
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    text = message.data if isinstance(message.data, str) else message.data.decode(errors="replace")
                    await self._server.receive(self, text)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return self._socket

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (message := await self._queue.get()) is not None:
                if not await self._send_faulty(message):
                    self.abort()
                    return
            await self._socket.close()

    async def _send_faulty(self, message: Message) -> bool:
        """Send one message through the faults; False when the connection is to break."""
        room = self._server.room.name
        faults = {f.action: f for f in self._server.faults.for_message(room, message.stream, message.account)}
        if Action.DISCONNECT in faults:
            return False
        if Action.DROP in faults or Action.SILENCE in faults:
            return True
        if Action.DELAY in faults:
            await asyncio.sleep(faults[Action.DELAY].delay_ms / 1_000)
        text = message.text
        if Action.GARBLE in faults:
            text = self._server.garbled(text, faults[Action.GARBLE])
        if Action.REORDER in faults and self._held is None:
            self._held = message
            return True
        for _ in range(2 if Action.DUPLICATE in faults else 1):
            await self._socket.send_str(text)
        if self._held is not None:
            held, self._held = self._held, None
            await self._socket.send_str(held.text)
        return True


class RoomServer:
    """One room on one port."""

    def __init__(self, room: Room, floor: Floor, faults: FaultPlan, host: str) -> None:
        self.room = room
        self.host = host
        self.floor = floor
        self.faults = faults
        self.port = 0
        self.connections: set[Connection] = set()
        self.requests: dict[str, int] = {}
        """How often each endpoint was asked, also when the request was lost."""
        self._rng = random.Random(room.name)
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.host}:{self.port}"

    def now(self) -> int:
        """Return the room's time, UTC nanoseconds, with the clock fault applied."""
        return time.time_ns() + self.faults.skew_ns(self.room.name)

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._on_request)
        self._runner, self.port = await listen(app, self.host, port)
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        self.disconnect_all()
        if self._runner is not None:
            await self._runner.cleanup()

    def disconnect_all(self) -> None:
        """Break every WebSocket connection."""
        for connection in list(self.connections):
            connection.abort()

    def commit(self) -> None:
        """Bring the exchange to rest and tell every connection what happened; call it after each command."""
        now = self.now()
        batch = self.floor.settle(now)
        if batch.account_events or batch.market_events:
            for connection in self.connections:
                connection.send(connection.session.feed(batch, now))

    async def receive(self, connection: Connection, text: str) -> None:
        """Execute what a WebSocket client says; its requests go wrong in all the ways that those over HTTP do."""
        session = connection.session
        operation = session.operation(text)
        if not operation:
            connection.send(session.receive(text, self.now()))
            self.commit()
            return
        endpoint = f"WS {operation}"
        self.requests[endpoint] = self.requests.get(endpoint, 0) + 1
        faults = {f.action: f for f in self.faults.for_request(self.room.name, endpoint, session.account)}
        if Action.DELAY in faults:
            await asyncio.sleep(faults[Action.DELAY].delay_ms / 1_000)
        if Action.LOSE_REQUEST in faults:
            return
        refused, executed = _refusal(faults)
        if refused is not None and not executed:
            connection.send(self._refusal_message(session, text, refused))
            return
        replies = self._execute(lambda now: session.receive(text, now), faults.get(Action.PARTIAL_FILL))
        if Action.DUPLICATE in faults:
            self._execute(lambda now: session.receive(text, now), None)
        if refused is not None:
            replies = self._refusal_message(session, text, refused)
        if Action.GARBLE in faults:
            replies = [replace(reply, text=self.garbled(reply.text, faults[Action.GARBLE])) for reply in replies]
        if Action.LOSE_RESPONSE not in faults:
            connection.send(replies)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.commit()
            now = self.now()
            for connection in list(self.connections):
                connection.send(connection.session.tick(now))

    async def _on_request(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._on_websocket(request)
        asked = HttpRequest(
            method=request.method,
            path=request.path,
            query=request.rel_url.raw_query_string,
            body=(await request.read()).decode(errors="replace"),
            headers={name.lower(): value for name, value in request.headers.items()},
            peer=request.remote or "",
        )
        try:
            reply, garble = await self._answer(asked)
        except LostError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        text = to_text(reply.body) if garble is None else self.garbled(to_text(reply.body), garble)
        return web.Response(text=text, status=reply.status, headers=reply.headers, content_type="application/json")

    def garbled(self, text: str, fault: Fault) -> str:
        return garble(text, Mode(fault.mode) if fault.mode else None, self._rng)

    async def _on_websocket(self, request: web.Request) -> web.StreamResponse:
        session = self.room.open_session(request.path, dict(request.query), self.now())
        if session is None:
            return web.Response(status=404)
        connection = Connection(self, session)
        self.connections.add(connection)
        try:
            return await connection.serve(request)
        finally:
            self.connections.discard(connection)

    async def _answer(self, request: HttpRequest) -> tuple[HttpReply, Fault | None]:
        """Return the reply, and the fault that its text suffers."""
        self.requests[request.endpoint] = self.requests.get(request.endpoint, 0) + 1
        account = self.room.account_of(request)
        struck = self.faults.for_request(self.room.name, request.endpoint, account)
        faults = {fault.action: fault for fault in struck}
        if Action.DELAY in faults:
            await asyncio.sleep(faults[Action.DELAY].delay_ms / 1_000)
        if Action.LOSE_REQUEST in faults:
            raise LostError
        refused, executed = _refusal(faults)
        if refused is not None and not executed:
            return self._error(refused), None
        reply = self._execute(lambda now: self.room.handle(request, now), faults.get(Action.PARTIAL_FILL))
        if Action.DUPLICATE in faults:
            self._execute(lambda now: self.room.handle(request, now), None)
        if Action.LOSE_RESPONSE in faults:
            raise LostError
        return (reply if refused is None else self._error(refused)), faults.get(Action.GARBLE)

    def _error(self, fault: Fault) -> HttpReply:
        return self.room.error_reply(fault.action, fault.message, now=self.now(), retry_after=_retry_after(fault))

    def _refusal_message(self, session: Session, text: str, fault: Fault) -> list[Message]:
        return session.refusal(text, fault.action, fault.message, self.now(), retry_after=_retry_after(fault))

    def _execute[T](self, work: Callable[[int], T], partial: Fault | None) -> T:
        now = self.now()
        exchange = self.floor.exchange
        first = len(exchange.journal.events)
        exchange.partial_fill = Decimal(partial.fraction) if partial else None
        try:
            result = work(now)
        finally:
            exchange.partial_fill = None
        if partial is not None:
            self._fill_part(Decimal(partial.fraction), first, now)
        self.commit()
        return result

    def _fill_part(self, fraction: Decimal, first_event: int, now: int) -> None:
        """Fill a part of what this request put into the book, against the background market."""
        exchange = self.floor.exchange
        for event in exchange.journal.events[first_event:]:
            if not isinstance(event, OrderEvent) or event.change is not Change.ACCEPTED:
                continue
            order = exchange.orders[event.order.id]
            part = floor_to_step(exchange.instrument(order.symbol), order.quantity * fraction)
            if order.status.is_open and order.filled == 0 and part > 0:
                with contextlib.suppress(RefusalError):
                    exchange.cross(order.id, part, FLOW, now)


def _refusal(faults: Mapping[Action, Fault]) -> tuple[Fault | None, bool]:
    """Return the fault that answers a request in the place of the venue, and whether the request is executed first."""
    for action in _REFUSALS:
        if action in faults:
            return faults[action], False
    error = faults.get(Action.SERVER_ERROR)
    return error, error is not None and error.executed


def _retry_after(fault: Fault) -> int:
    return fault.retry_after_s if fault.action in (Action.RATE_LIMIT, Action.BAN) else 0


async def listen(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serve an application; port 0 takes a free one. Returns the runner and the port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}; choose another port, or 0") from error
    return runner, int(runner.addresses[0][1])
