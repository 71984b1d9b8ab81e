"""How every RabbitMQ client of the process connects, and what the broker's refusals mean."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from aiormq import Connection, exceptions
from aiormq.abc import AbstractConnection
from yarl import URL

from adapters.tls import client_context
from core.kernel.errors import Unavailable
from core.kernel.health import Unfit

CONNECT_TIMEOUT_SECONDS, CLOSE_TIMEOUT_SECONDS = 4.0, 1.0
HEARTBEAT_SECONDS = 10
FAILURES = (exceptions.AMQPError, exceptions.ChannelInvalidStateError, OSError, TimeoutError)
"""What a client raises whose broker is away, or refuses."""
GRANT = "grant it with rabbitmqctl set_permissions: configure for `bursar topics`, write for relays, read for consumers"


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """A virtual host on one or more nodes of a cluster."""

    nodes: str
    vhost: str
    user: str
    password: str
    tls: ssl.SSLContext | None

    async def connect(self) -> AbstractConnection:
        """Return a connection to the first node that answers; raise `Unavailable`."""
        failure: Exception = TimeoutError()
        for node in self.nodes.split(","):
            try:
                return await self._connect(node)
            except FAILURES as error:
                failure = error
        raise self.unavailable(failure) from failure

    async def _connect(self, node: str) -> AbstractConnection:
        host, _, port = node.rpartition(":")
        connection = Connection(
            URL.build(
                scheme="amqps" if self.tls else "amqp",
                user=self.user,
                password=self.password,
                host=host.strip("[]"),
                port=int(port),
                path="/" + self.vhost.replace("/", "%2F"),
                query={"heartbeat": str(HEARTBEAT_SECONDS)},
                encoded=False,
            ),
            context=self.tls,
        )
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            with lost_connections():
                await connection.connect()
        return connection

    @asynccontextmanager
    async def connected(self, timeout_seconds: float) -> AsyncIterator[AbstractConnection]:
        """Yield a connection for one piece of work; raise `Unavailable` for what fails in it."""
        connection = None
        try:
            async with asyncio.timeout(timeout_seconds):
                with lost_connections():
                    connection = await self.connect()
                    yield connection
        except FAILURES as error:
            raise self.unavailable(error) from error
        finally:
            await close(connection)

    def unavailable(self, error: BaseException) -> Unavailable:
        """Return the error for what a client raised: a wrong set-up has a remedy of its own."""
        where = f"RabbitMQ at {self.nodes}, virtual host {self.vhost}"
        match error:
            case exceptions.ChannelAccessRefused():
                return Unfit(f"{where}, refuses the user {self.user!r}: {reason(error)}", GRANT)
            case exceptions.ProbableAuthenticationError() | exceptions.AuthenticationError():
                return Unfit(
                    f"{where}, does not let the user sign in", "correct rabbitmq.user, rabbitmq.password or the vhost"
                )
            case exceptions.ConnectionNotAllowed():
                return Unfit(f"{where}: {reason(error)}", "create the virtual host, or correct rabbitmq.vhost")
            case exceptions.ChannelNotFoundEntity():
                return Unfit(f"{where}: {reason(error)}", "create it with `bursar topics`")
        return Unavailable(f"{where}, does not answer, or takes no messages: {error!r}")


def rabbitmq(
    nodes: str, vhost: str, user: str, password: str,
    tls: str, ca_file: str, certificate_file: str, key_file: str, **_topics: object,
) -> RabbitMQ:  # fmt: skip
    """Return how to connect; raise `Invalid` for TLS files that cannot be used."""
    return RabbitMQ(nodes, vhost, user, password, client_context(tls, ca_file, certificate_file, key_file))


def reason(error: BaseException) -> str:
    """Return what the broker said."""
    return ": ".join(str(each) for each in error.args if each)


@contextmanager
def lost_connections() -> Iterator[None]:
    """Raise `ConnectionError` for what the client raises where the server hangs up, unless the task is cancelled."""
    try:
        yield
    except (StopAsyncIteration, asyncio.CancelledError) as error:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise ConnectionError("the server closed the connection") from error


async def close(connection: AbstractConnection | None) -> None:
    """Close a connection, whatever its state, within `CLOSE_TIMEOUT_SECONDS`."""
    with suppress(*FAILURES, asyncio.CancelledError):
        async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
            if connection is not None:
                await connection.close()
