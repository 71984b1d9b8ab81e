"""When the office learns of a client's write, and when the client does."""

from typing import Any

from core.kernel.authorization import Principal, acting_as
from core.kernel.own_writes import OwnWrites, Position, current_view, note_write
from entrypoints.http.middleware.own_writes import OwnWritesMiddleware

SERVER = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
ASHA = Principal(subject="asha")


class Exchange(OwnWrites):
    """A request, and what happens in its order."""

    def __init__(self, known: Position | None = None) -> None:
        self.known, self.events = known, list[object]()
        self.path = "/v1/exam-fees"

    async def of(self, client: str) -> Position | None:
        return self.known

    async def remember(self, client: str, position: Position) -> None:
        self.events.append((client, dict(position)))

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Commit before the answer begins, and twice within it, as a batch does."""
        note_write({SERVER: 1})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in (2, 3):
            note_write({SERVER: number})
            await send({"type": "http.response.body", "body": str(number).encode(), "more_body": number < 3})

    async def reading_app(self, scope: Any, receive: Any, send: Any) -> None:
        """Tell what a read must contain."""
        self.events.append(current_view.get().after)

    async def serve(self, app: Any, method: str = "POST", *told: str) -> list[object]:
        """Serve a request of Asha; return the events."""
        headers = [(b"bursar-read-after", value.encode()) for value in told]
        scope: Any = {"type": "http", "method": method, "path": self.path, "headers": headers}

        async def send(message: Any) -> None:
            self.events.append(message.get("body", dict(message.get("headers", ()))))

        async def receive() -> Any: ...

        with acting_as(ASHA):
            await OwnWritesMiddleware(app, self)(scope, receive, send)
        return self.events


async def test_a_write_is_remembered_before_its_client_learns_of_it() -> None:
    exchange = Exchange()

    assert await exchange.serve(exchange.app) == [
        ("asha", {SERVER: 1}),
        {b"bursar-read-after": f"{SERVER}:1".encode()},
        ("asha", {SERVER: 2}),
        b"2",
        ("asha", {SERVER: 3}),
        b"3",
    ]


async def test_a_read_contains_what_the_client_wrote_and_what_it_names() -> None:
    exchange = Exchange(known={SERVER: 7})

    assert await exchange.serve(exchange.reading_app, "GET", f"{SERVER}:9") == [{SERVER: 9}]
    assert await exchange.serve(exchange.reading_app, "HEAD") == [{SERVER: 9}, {SERVER: 7}]


async def test_a_query_is_a_read_also_by_post() -> None:
    exchange = Exchange(known={SERVER: 7})
    exchange.path = "/v1/graphql"

    assert await exchange.serve(exchange.reading_app, "POST") == [{SERVER: 7}]


async def test_a_read_contains_everything_when_less_would_be_a_guess() -> None:
    unknown, known = Exchange(known=None), Exchange(known={SERVER: 7})

    assert await unknown.serve(unknown.reading_app, "GET", f"{SERVER}:9") == [None]
    assert await known.serve(known.reading_app, "GET", "garbage") == [None]
    assert await known.serve(known.reading_app, "POST") == [None, None]
