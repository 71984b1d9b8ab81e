"""What RFC 9110 and 9112 ask of a server, over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.container import Application, running
from config.settings import Adapters, Settings
from tests.applications import an_application
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.http_server import Answer, converse, get, post, served

FEE = b'{"schedule": "sahyadri-test", "registration": "T-1"}'
ROW = b'{"key": "k-1", "schedule": "sahyadri-test", "registration": "T-1"}\n'
QUOTES, BATCH, IMPORT = "/v1/quotes", "/v1/exam-fees:batch", "/v1/students:import"
LAST = get()
SMUGGLED = get("/v1/vendors")
H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)
WEBSOCKET = (
    "Connection: keep-alive, upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: x",
    "Sec-WebSocket-Version: 13",
)


def chunked(*chunks: bytes, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    return b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks) + b"0\r\n%b\r\n" % trailers


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(an_application(settings)) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(1, 4)))
        yield application


@pytest.fixture
async def port(application: Application) -> AsyncIterator[int]:
    async with served(application) as port:
        yield port


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


async def test_a_refused_upgrade_keeps_its_body(port: int) -> None:
    for number, upgrade in enumerate([H2C, WEBSOCKET, ("Upgrade: TLS/1.0", "Connection: upgrade")], 1):
        row = ROW.replace(b"-1", b"-%d" % number)
        whole = post(BATCH, row, *upgrade, media_type="application/x-ndjson")
        for at in (len(whole), len(whole) - len(row), len(whole) - 10, 30):
            stored, quoted, alive = await converse(port, whole[:at], whole[at:], post(QUOTES, FEE, *upgrade) + LAST)
            assert (json.loads(stored.body)["status"], quoted.status, alive.status) == (201, 200, 200), (upgrade, at)


async def test_a_body_that_is_a_request_is_not_answered(port: int) -> None:
    inner = get("/v1/vendors")
    answers = await converse(port, post(QUOTES, inner, *H2C), LAST)

    assert statuses(answers) == [400, 200], "the quote and the last request"
    assert answers[1].body == b'{"live":true}'


async def test_many_upgrades_in_a_packet_are_answered_in_their_order(port: int) -> None:
    one = get("/health/live", *H2C).replace(b"\r\nConnection: close", b"")

    assert statuses(await converse(port, one * 300 + get("/v1/nope"))) == [200] * 300 + [404]


CL = f"Content-Length: {len(FEE)}"
BARE = {"length": False}
REFUSED = {
    "CONNECT": (b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n" + SMUGGLED, [501]),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED, [400]),
    "HTTP/2.0 in clear": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n" + SMUGGLED, [505]),
    "HTTP/0.9": (b"GET /health/live\r\n\r\n", [505]),
    "a length and chunks": (
        post(QUOTES, chunked(FEE), CL, "Transfer-Encoding: chunked", length=False) + SMUGGLED,
        [400],
    ),
    "chunks and a length": (
        post(QUOTES, chunked(FEE), "Transfer-Encoding: chunked", CL, length=False) + SMUGGLED,
        [400],
    ),
    "two equal lengths": (post(QUOTES, FEE, CL) + SMUGGLED, [400]),
    "two lengths": (post(QUOTES, FEE, "Content-Length: 3") + SMUGGLED, [400]),
    "a list of lengths": (post(QUOTES, FEE, f"{CL}, {len(FEE)}", length=False) + SMUGGLED, [400]),
    "a signed length": (post(QUOTES, FEE, f"Content-Length: +{len(FEE)}", length=False) + SMUGGLED, [400]),
    "a huge length": (post(QUOTES, FEE, f"Content-Length: {'9' * 40}", length=False) + SMUGGLED, [400]),
    "another coding": (post(QUOTES, chunked(FEE), "Transfer-Encoding: gzip, chunked", length=False) + SMUGGLED, [501]),
    "a coding without end": (post(QUOTES, chunked(FEE), "Transfer-Encoding: gzip", length=False) + SMUGGLED, [501]),
    "two codings": (post(QUOTES, chunked(FEE), *["Transfer-Encoding: chunked"] * 2, length=False) + SMUGGLED, [400]),
    "chunks in HTTP/1.0": (
        post(QUOTES, chunked(FEE), "Transfer-Encoding: chunked", length=False).replace(b"1.1", b"1.0", 1) + SMUGGLED,
        [400],
    ),
    "a bad chunk": (post(QUOTES, b"zz\r\n", "Transfer-Encoding: chunked", length=False) + SMUGGLED, [400]),
    "a space before a colon": (get().replace(b"Host:", b"Host :") + SMUGGLED, [400]),
    "a folded header": (get("/health/live", "X: a\r\n b") + SMUGGLED, [400]),
    "a bare line feed": (get().replace(b"\r\n", b"\n"), [400]),
    "a null character": (get("/health/live", "X: a\x00b"), [400]),
    "an unknown method": (get(method="BREW"), [400]),
    "no host": (get().replace(b"Host: office\r\n", b""), [400]),
    "two hosts": (get("/health/live", "Host: office"), [400]),
    "a host with a path": (get().replace(b"office", b"a/b"), [400]),
    "a host with a user": (get().replace(b"office", b"a@b"), [400]),
    "a long target": (get("/" + "a" * 9_000), [414]),
    "a long query": (get("/v1/vendors?" + "a=b&" * 3_000), [414]),
    "a long header": (get("/health/live", f"Cookie: {'a' * 40_000}"), [431]),
    "many headers": (get("/health/live", *["X: y"] * 101), [431]),
    "an endless header": (get()[:-2] + b"X: " + b"a" * 400_000, [431]),
    "an endless target": (b"GET /" + b"a" * 400_000, [431]),
    "a long body": (post(QUOTES, b" " * 900_000) + LAST, [413, 200]),
    "a long body of the last request": (post(QUOTES, b" " * 900_000, "Connection: close"), [413]),
    "a long body of HTTP/1.0": (post(QUOTES, b" " * 900_000).replace(b"1.1", b"1.0", 1), [413]),
    "a long body for nothing": (post("/v1/nope", b" " * 900_000, "Connection: close"), [404]),
    "a long body in another coding": (
        post(QUOTES, b" " * 900_000, "Transfer-Encoding: gzip, chunked", length=False),
        [501],
    ),
    "an unknown expectation": (post(QUOTES, FEE, "Expect: 200-ok") + LAST, [417, 200]),
    "a coded body": (post(QUOTES, FEE, "Content-Encoding: gzip") + LAST, [415, 200]),
    "GET with a body": (post(QUOTES, FEE).replace(b"POST /v1/quotes", b"GET /v1/vendors") + LAST, [400, 200]),
    "HEAD with a body": (post(QUOTES, FEE).replace(b"POST /v1/quotes", b"GET /v1/vendors") + LAST, [400, 200]),
    "DELETE with a body": (
        post(QUOTES, FEE).replace(b"POST /v1/quotes", b"DELETE /v1/allocations/o") + LAST,
        [400, 200],
    ),
    "DELETE with chunks": (
        post(QUOTES, chunked(FEE), "Transfer-Encoding: chunked", length=False).replace(
            b"POST /v1/quotes", b"DELETE /v1/allocations/o"
        )
        + LAST,
        [400, 200],
    ),
    "a broken escape": (get("/v1/students/%zz"), [400]),
    "an escaped null": (get("/v1/students/%00"), [400]),
    "an escape that is not UTF-8": (get("/v1/students/%ff"), [400]),
    "a relative target": (get("v1/vendors"), [400]),
    "all of the server": (get("*"), [400]),
    "the second of two": (get().replace(b"Connection: close\r\n", b"") + b"nonsense\r\n\r\n", [200, 400]),
}


async def test_a_refusal_is_a_problem_and_nothing_behind_it_is_smuggled(port: int) -> None:
    got = dict(zip(REFUSED, await asyncio.gather(*(converse(port, sent) for sent, _ in REFUSED.values())), strict=True))

    assert {name: statuses(each) for name, each in got.items()} == {name: each for name, (_, each) in REFUSED.items()}
    for name, received in got.items():
        for answer in received:
            if answer.status >= 400:
                problem = json.loads(answer.body)
                assert answer.headers["content-type"] == "application/problem+json", name
                assert (problem["status"], problem["detail"] > "") == (answer.status, True), name
        assert "close" in received[-1].headers.get("connection", "close"), name


TAKEN = {
    "an empty line before": (b"\r\n\r\n" + get(), 200),
    "an absolute target": (get("http://office/health/live"), 200),
    "an absolute target without a path": (get("http://office"), 404),
    "a query": (get("/health/live?a=b&a=c&%zz"), 200),
    "an escaped letter": (get("/health/l%69ve"), 200),
    "a length of zero": (get("/health/live", "Content-Length: 0"), 200),
    "an empty host": (get().replace(b"Host: office", b"Host:"), 200),
    "a host of IPv6": (get().replace(b"office", b"[::1]:8000"), 200),
    "HTTP/1.0 without a host": (b"GET /health/live HTTP/1.0\r\n\r\n", 200),
    "HTTP/1.0 that keeps alive": (b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
    "an unwanted media type": (get("/health/live", "Accept: image/png"), 200),
    "all methods": (get("*", method="OPTIONS"), 204),
}


async def test_unusual_requests_are_understood(port: int) -> None:
    for name, (sent, expected) in TAKEN.items():
        [answer] = await converse(port, sent)
        assert (answer.status, answer.headers["connection"]) == (expected, "close"), name
        assert "date" in answer.headers


async def test_chunks_with_extensions_and_trailers_are_a_body_and_no_headers(port: int) -> None:
    trailers = b"Idempotency-Key: of-a-trailer\r\nHost: other\r\n"
    body = chunked(FEE[:7], FEE[7:], trailers=trailers, extension=b';a="b"')
    fee, alive = await converse(port, post("/v1/exam-fees", body, "Transfer-Encoding: chunked", length=False), LAST)

    assert fee.status == 400
    assert json.loads(fee.body)["type"] == "urn:bursar:problem:missing-idempotency-key"
    assert alive.status == 200


async def test_chunk_extensions_and_trailers_have_a_limit(port: int) -> None:
    head = post(QUOTES, b"", "Transfer-Encoding: chunked", length=False)

    for rest in (b"1;" + b"x" * 200_000, b"0\r\n" + b"a: b\r\n" * 200, b"0\r\na: " + b"b" * 200_000):
        assert statuses(await converse(port, head, rest)) == [400]


async def test_head_answers_like_get_without_the_body(port: int) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/v1/vendors", "/v1/students/T-1", "/docs"):
        [got] = await converse(port, get(path))
        [headed] = await converse(port, get(path, method="HEAD"), methods=("HEAD",))
        varying = {"date", "x-request-id", "traceparent", "ratelimit", "content-length" if path == "/metrics" else ""}
        for answer in (got, headed):
            assert int(answer.headers["content-length"]) > 0
            answer.headers = {name: value for name, value in answer.headers.items() if name not in varying}

        assert (headed.status, headed.body, headed.headers) == (got.status, b"", got.headers), path


ALLOWED = {
    "/v1/exam-fees": {"POST", "OPTIONS"},
    "/v1/deliveries": {"GET", "HEAD", "OPTIONS"},
    "/v1/batches/B-1": {"GET", "HEAD", "PATCH", "OPTIONS"},
    "/v1/allocations/O-1": {"GET", "HEAD", "DELETE", "OPTIONS"},
}


async def test_allow_names_every_method(port: int) -> None:
    for path, allowed in ALLOWED.items():
        [refused] = await converse(port, get(path, method="PUT"))
        [options] = await converse(port, get(path, method="OPTIONS"))

        assert (refused.status, options.status) == (405, 204)
        assert {*refused.headers["allow"].split(", ")} == {*options.headers["allow"].split(", ")} == allowed
        assert not {"content-length", "transfer-encoding"} & options.headers.keys()


async def test_options_of_what_is_not_there_find_nothing(port: int) -> None:
    assert statuses(await converse(port, get("/v1/nope", method="OPTIONS"))) == [404]


async def test_a_streamed_answer_to_http_1_0_ends_with_the_connection(port: int) -> None:
    sent = post(BATCH, ROW, "Connection: keep-alive", media_type="application/x-ndjson").replace(b"1.1", b"1.0", 1)
    [answer] = await converse(port, sent)

    assert not {"transfer-encoding", "content-length"} & answer.headers.keys()
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["status"] == 201


EXPECT = "Expect: 100-continue"
UNREAD = {
    "too long": (post("/v1/exam-fees", b"", "Content-Length: 70000", EXPECT, "Idempotency-Key: k", length=False), 413),
    "too long a quote": (post(QUOTES, b"", "Content-Length: 7000000", EXPECT, length=False), 413),
    "of another type": (
        post("/v1/exam-fees", b"", "Content-Length: 70", EXPECT, length=False, media_type="text/plain"),
        415,
    ),
    "nowhere": (post("/v1/nope", b"", "Content-Length: 70", EXPECT, length=False), 404),
    "in another method": (post("/health/live", b"", "Content-Length: 70", EXPECT, length=False), 405),
    "with another coding": (
        post(QUOTES, b"", "Content-Length: 70", EXPECT, "Content-Encoding: br", length=False),
        415,
    ),
}


async def test_a_body_that_will_be_refused_is_not_asked_for(port: int) -> None:
    for name, (sent, expected) in UNREAD.items():
        [answer] = await converse(port, sent)
        assert (answer.status, answer.headers["connection"]) == (expected, "close"), name


async def test_a_body_that_can_be_taken_is_asked_for(port: int) -> None:
    whole = post(QUOTES, FEE, EXPECT)
    answers = await converse(port, whole[: -len(FEE)], FEE, LAST)

    assert statuses(answers) == [100, 200, 200]


TWICE = b'{"schedule": "sahyadri-test", "registration": "T-1", "registration": "T-2"}'


@pytest.mark.parametrize(
    ("path", "body", "media_type"),
    [
        ("/v1/quotes", TWICE, "application/json"),
        ("/v1/exam-fees", TWICE, "application/json"),
        ("/v1/exam-fees", TWICE.replace(b'"registration": "T-2"', b'"registratio\\u006e" : "T-2"'), "application/json"),
        ("/v1/allocations", b'{"order": "o", "lines": [{"sku": "a", "sku": "b", "quantity": 1}]}', "application/json"),
        (BATCH, TWICE.replace(b"{", b'{"key": "k", '), "application/x-ndjson"),
    ],
)
async def test_a_field_that_is_there_twice_is_refused(port: int, path: str, body: bytes, media_type: str) -> None:
    [answer] = await converse(port, post(path, body, "Idempotency-Key: k", "Connection: close", media_type=media_type))
    problem = json.loads(answer.body)

    assert (problem := problem.get("problem", problem))["status"] == 400
    assert "twice" in problem["detail"]


@pytest.mark.parametrize(
    "header", [(b"location", b"/\r\nset-cookie: a=b"), (b"location", b"/\x00"), (b"set cookie", b"a=b")]
)
async def test_a_header_that_would_split_an_answer_is_not_sent(
    application: Application, header: tuple[bytes, bytes]
) -> None:
    async def app(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [header, (b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with served(application, app=app) as port:
        assert await converse(port, get()) == []


@pytest.mark.parametrize(
    ("status", "headers", "framing"),
    [
        (200, [], {"transfer-encoding": "chunked"}),
        (304, [], {}),
        (200, [(b"content-length", b"0")], {"content-length": "0"}),
        (200, [(b"connection", b"close"), (b"content-length", b"0")], {"connection": "close", "content-length": "0"}),
    ],
)
async def test_an_answer_says_once_how_it_ends(
    application: Application, status: int, headers: list[tuple[bytes, bytes]], framing: dict[str, str]
) -> None:
    async def app(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async with served(application, app=app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get() if "connection" in framing else b"GET / HTTP/1.1\r\nHost: office\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        writer.close()
    told = [line.split(": ", 1) for line in head.splitlines()[1:-1]]

    ends = ("transfer-encoding", "content-length", "connection")
    assert sorted(line for line in told if line[0] in ends) == sorted(map(list, framing.items()))
