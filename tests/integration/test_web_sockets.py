"""Timelines over WebSocket with a client library, and what clients of other minds send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from config.sections.http import Http
from core.fees.submission import FeeSubmitted
from core.identity.roles import Role
from core.kernel.authorization import SYSTEM, acting_as
from core.payments.events import FeeClearanceRevoked
from entrypoints.runtime.transports import Transports
from tests.contract.test_timelines import log, of_account
from tests.integration.http_server import converse, get, served
from tests.integration.test_timeline_streams import CLEARED, REVOKED, SUBMITTED, Office, keyless, office, stream

__all__ = ["office"]
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def path(fee: FeeSubmitted, query: str = "") -> str:
    return f"/v1/exam-fees/{fee.subject}/timeline{query}"


def socket(port: int, fee: FeeSubmitted, key: str, query: str = "", **options: Any) -> connect:
    """Return a client of a timeline."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    address = f"ws://127.0.0.1:{port}{path(fee, query)}"
    return connect(address, additional_headers=headers | options.pop("headers", {}), proxy=None, **options)


async def read(client: ClientConnection, wanted: int) -> list[str]:
    """Return what the next steps are."""
    async with asyncio.timeout(10):
        return [json.loads(await client.recv(decode=True))["what"] for _ in range(wanted)]


async def ended(client: ClientConnection) -> tuple[int, str]:
    """Read to the end; return its code and reason."""
    async with asyncio.timeout(10):
        await client.wait_closed()
    return client.close_code or 0, client.close_reason or ""


async def refusal(*arguments: Any, **options: Any) -> tuple[int, str]:
    """Return the status and the problem of a refused handshake."""
    with pytest.raises(InvalidStatus) as refused:
        async with socket(*arguments, **options):
            pass
    answer = refused.value.response
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body or b"")["type"].rpartition(":")[2]


async def test_a_web_socket_goes_on_at_another_server_without_a_step_missed_or_repeated(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    async with (
        served(office.first, app=keyless(office.first)) as one,
        served(office.second, app=keyless(office.second)) as other,
    ):
        async with socket(one, fee, key) as before:
            assert await read(before, 1) == [SUBMITTED]
            await log(office.second, of_account(fee, 1))  # of another process
            step = json.loads(await before.recv())
        async with stream(one, fee, key, query="?follow=false") as events:
            await events.read(2)
        await log(office.first, of_account(fee, 2, FeeClearanceRevoked))
        async with socket(other, fee, key, f"?last_event_id={step['id']}") as after:
            assert await read(after, 1) == [REVOKED]

    assert step["what"] == CLEARED
    assert f"data: {msgspec.json.encode(step).decode()}" in events.text  # the same object on both


async def test_a_refused_web_socket_is_answered_in_http(office: Office) -> None:
    fee = await office.submit(centre="SU-PUNE")
    key, other = [await office.key(role=Role.CLERK, centre=each) for each in ("SU-PUNE", "DEL-014")]
    async with served(office.first, app=keyless(office.first)) as port:
        assert await refusal(port, fee, other) == (404, "unknown-exam-fee")
        assert await refusal(port, fee, "") == (401, "not-authenticated")
        cookie = {"Cookie": f"access_token={key}; session={key}"}
        assert await refusal(port, fee, "", headers=cookie) == (401, "not-authenticated")
        assert (await refusal(port, fee, "", f"?access_token={key}"))[0] == 401
        assert await refusal(port, fee, key, "?last_event_id=1") == (400, "unknown-timeline-step")
        assert (await refusal(port, fee, key, "?follow=false"))[0] == 400
        assert (await refusal(port, fee, key, origin="https://elsewhere.example"))[0] == 403
        assert (await refusal(port, fee, key, origin="null"))[0] == 403
        async with socket(port, fee, key, origin=f"http://127.0.0.1:{port}") as own:
            assert await read(own, 1) == [SUBMITTED]

    assert office.first.fees.timeline_watch()._followers.total() == 0


@pytest.mark.parametrize("broken", ["Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 8", "Upgrade: websocket, h2c", ""])
async def test_a_broken_handshake_switches_no_protocol(office: Office, broken: str) -> None:
    fee, key = await office.submit(), await office.key()
    name = broken.partition(":")[0]
    lines = [line for line in HANDSHAKE if line.partition(":")[0] != name or not broken]
    lines += [broken] if broken else ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    async with served(office.first, app=keyless(office.first)) as port:
        target = path(fee, "?follow=false") if "h2c" in broken else path(fee)
        [answer] = await converse(port, get(target, f"Authorization: Bearer {key}", *lines))

    assert answer.status == (200 if "h2c" in broken else 400)  # an unknown protocol is ignored, as RFC 9110 has it


async def test_no_other_path_and_method_upgrades(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    request = get(f"/v1/exam-fees/{fee.subject}", f"Authorization: Bearer {key}", *HANDSHAKE)
    async with served(office.first, app=keyless(office.first)) as port:
        shown, head, live = [
            (await converse(port, each, methods=("HEAD",) if b"HEAD" in each else ()))[0]
            for each in (
                request,
                get(path(fee), f"Authorization: Bearer {key}", *HANDSHAKE, method="HEAD"),
                get("/health/live", *HANDSHAKE),
            )
        ]

    assert (shown.status, head.status, live.status) == (200, 200, 200)


MESSAGES = {
    "text": (3 * Frame(Opcode.TEXT, b"hello").serialize(mask=True), 1008),
    "binary": (Frame(Opcode.BINARY, b"\0").serialize(mask=True), 1008),
    "a part of a message": (Frame(Opcode.TEXT, b"hel", fin=False).serialize(mask=True), 1008),
    "too large": (3 * Frame(Opcode.TEXT, 10_000 * b"x").serialize(mask=True), 1009),
    "an unknown extension": (b"\xc9\x80\0\0\0\0", 1002),
    "no mask": (b"\x81\x01x", 1002),
    "HTTP": (3 * get("/v1/vendors"), 1002),
}


@pytest.mark.parametrize("sent", MESSAGES)
async def test_a_message_of_the_client_ends_its_stream(office: Office, sent: str) -> None:
    fee, key = await office.submit(), await office.key()
    data, code = MESSAGES[sent]
    async with served(office.first, app=keyless(office.first)) as port, socket(port, fee, key) as client:
        assert await read(client, 1) == [SUBMITTED]
        client.transport.write(data)
        found, _ = await ended(client)
        assert office.first.fees.timeline_watch()._followers.total() == 0

    assert found == code


async def test_the_client_closes_and_pings_as_rfc_6455_has_it(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    async with served(office.first, app=keyless(office.first)) as port, socket(port, fee, key) as client:
        async with asyncio.timeout(10):
            await (await client.ping(b"there?"))
        assert "Sec-WebSocket-Extensions" not in client.response.headers  # type: ignore[union-attr]
        await client.close(1000)
        assert (client.close_code, client.protocol.close_rcvd_then_sent) == (1000, False)
        assert office.first.fees.timeline_watch()._followers.total() == 0


async def test_a_web_socket_has_pings_and_ends_when_it_is_old(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    app = keyless(office.first, heartbeat_seconds=0.05, max_seconds=0.4)
    async with served(office.first, app=app) as port, socket(port, fee, key) as client:
        assert await read(client, 1) == [SUBMITTED]
        code, reason = await ended(client)

    assert (code, json.loads(reason)) == (1000, {"reason": "renew"})


async def test_a_client_that_answers_no_ping_is_closed(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    app = keyless(office.first, heartbeat_seconds=0.05)
    request = get(path(fee), f"Authorization: Bearer {key}", *HANDSHAKE).replace(b"Connection: close\r\n", b"")
    async with served(office.first, app=app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        async with asyncio.timeout(10):
            received = await reader.read()
        writer.close()

    assert received.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert received.count(b"\x89\x00") == 1  # one ping
    assert b"\x03\xf3no pong" in received  # 1011


async def test_bytes_before_the_switch_are_no_frames(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    request = get(path(fee), f"Authorization: Bearer {key}", *HANDSHAKE).replace(b"Connection: close\r\n", b"")
    smuggled = get("/v1/vendors", f"Authorization: Bearer {key}")
    async with served(office.first, app=keyless(office.first)) as port:
        assert await converse(port, request + smuggled) == []
        assert await converse(port, request + Frame(Opcode.PING, b"").serialize(mask=True)) == []

    assert office.first.fees.timeline_watch()._followers.total() == 0


async def test_a_web_socket_ends_with_its_credential(office: Office) -> None:
    fee, key, identity = await office.submit(), await office.key(), office.first.use_cases().identity
    app = keyless(office.first, heartbeat_seconds=0.05)
    async with served(office.first, app=app) as port, socket(port, fee, key) as client:
        assert await read(client, 1) == [SUBMITTED]
        with acting_as(SYSTEM):
            [known] = (await identity.list_api_keys(None, None, 100)).items
            await identity.revoke_api_key(known.id)
        code, reason = await ended(client)

    assert (code, json.loads(reason)) == (4401, {"reason": "access-ended"})


async def test_web_sockets_and_event_streams_share_their_limits(office: Office) -> None:
    fee, key, others = await office.submit(), await office.key(), await office.key()
    async with served(office.first, app=keyless(office.first)) as port, AsyncExitStack() as opened:
        one = await opened.enter_async_context(AsyncExitStack())
        await one.enter_async_context(socket(port, fee, key))
        events = await opened.enter_async_context(stream(port, fee, key))
        assert await events.read(1) == [SUBMITTED]
        await opened.enter_async_context(socket(port, fee, others))
        assert await refusal(port, fee, key) == (429, "too-many-followers")
        assert await refusal(port, fee, others) == (429, "too-many-followers")
        await one.aclose()
        async with socket(port, fee, key) as again:
            assert await read(again, 1) == [SUBMITTED]


@asynccontextmanager
async def a_process(office: Office, stop: asyncio.Event) -> AsyncIterator[int]:
    """Serve HTTP as the process does; return the port."""
    settings = msgspec.structs.replace(office.settings, http=Http(port=0, drain_seconds=2))
    transports = Transports(office.first, settings, office.first.use_cases())
    with transports.listen() as listening:
        [loop] = transports.start("http", listening, stop)
        serving = asyncio.ensure_future(loop)
        yield listening.getsockname()[1]
        async with asyncio.timeout(10):
            await serving


async def test_web_sockets_end_at_once_when_the_process_ends(office: Office) -> None:
    fee, key, stop = await office.submit(), await office.key(), asyncio.Event()
    async with a_process(office, stop) as port:
        async with socket(port, fee, key) as client:
            assert await read(client, 1) == [SUBMITTED]
            stop.set()
            ends = [await ended(client)]
        async with socket(port, fee, key) as late:  # of a client whose gateway does not know yet
            assert await read(late, 1) == [SUBMITTED]
            with pytest.raises(ConnectionClosed):
                await read(late, 1)
            ends.append((late.close_code or 0, late.close_reason or ""))

    for code, reason in ends:
        told = json.loads(reason)
        assert (code, told["reason"]) == (1012, "restart")
        assert 1_000 <= told["retry"] <= 5_000
