"""Ports whose batches and calls are recorded as spans."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from opentelemetry.trace import SpanKind

from adapters.telemetry.traces import OpenTelemetryTracer, SpanName
from core.kernel.trace import Trace, current_trace
from core.messaging.message import Message, MessageBatchHandler, Publisher, topic_of
from core.notifications.delivery import Channel, Delivery
from core.notifications.messages import Accepted, Email, Sms
from core.notifications.ports import NotificationsWork, Sender

M = TypeVar("M", bound=Email | Sms)
BATCH_SIZE = "messaging.batch.message_count"


class TracedPublisher(Publisher):
    """Records each batch that the relay publishes."""

    def __init__(self, inner: Publisher, tracer: OpenTelemetryTracer) -> None:
        self._inner, self._tracer = inner, tracer

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        traces = (message.trace for message in messages)
        with self._tracer.recording(SpanName.PUBLISH, SpanKind.PRODUCER, traces, {BATCH_SIZE: len(messages)}):
            return await self._inner.publish(messages)


def traced_consumer(inner: MessageBatchHandler, tracer: OpenTelemetryTracer) -> MessageBatchHandler:
    """Record each batch that a consumer processes; another attempt at a batch is another span."""

    async def handle_batch(messages: Sequence[Message]) -> None:
        traces = (message.trace for message in messages)
        topics = ", ".join(sorted({topic_of(message.context) for message in messages}))
        facts: dict[str, str | int] = {BATCH_SIZE: len(messages), "messaging.destination.name": topics}
        with tracer.recording(SpanName.PROCESS, SpanKind.CONSUMER, traces, facts):
            await inner(messages)

    return handle_batch


def with_traced_claims(work: NotificationsWork, tracer: OpenTelemetryTracer) -> NotificationsWork:
    """Record each batch of deliveries that a dispatcher claims in a unit of work."""
    claim = work.deliveries.claim

    async def traced_claim(channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        traces, facts = list[Trace](), dict[str, str | int]()
        with tracer.recording(SpanName.CLAIM, SpanKind.CONSUMER, traces, facts):
            claimed = await claim(channel, now, until, limit)
            traces += (delivery.trace for delivery in claimed)
            facts |= {BATCH_SIZE: len(claimed), "bursar.channel": channel}
        return claimed

    work.deliveries.claim = traced_claim  # type: ignore[method-assign]  # of this unit of work alone
    return work


class TracedSender(Sender[M], Generic[M]):
    """Records each call to a vendor."""

    def __init__(self, inner: Sender[M], vendor: str, tracer: OpenTelemetryTracer) -> None:
        self._inner, self._vendor, self._tracer = inner, vendor, tracer

    async def send(self, message: M) -> Accepted:
        if not (trace := current_trace.get()).sampled:
            return await self._inner.send(message)
        name = SpanName.SEND_EMAIL if isinstance(message, Email) else SpanName.SEND_SMS
        facts = {"bursar.vendor": self._vendor, "bursar.delivery": str(message.delivery)}
        with self._tracer.recording(name, SpanKind.CLIENT, [trace], facts):
            return await self._inner.send(message)


def traced_vendors(vendor: Callable[[str], Sender[M]], tracer: OpenTelemetryTracer) -> Callable[[str], Sender[M]]:
    """Record the calls to each vendor."""
    return lambda name: TracedSender(vendor(name), name, tracer)
