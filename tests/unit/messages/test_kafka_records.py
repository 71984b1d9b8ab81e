import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord

from core.kernel.decisions import Decision
from core.messaging.message import Message
from core.messaging.routing import MalformedMessage
from entrypoints.messages.cloud_events import MAX_BODY_BYTES
from entrypoints.messages.kafka_records import LOG_APPEND_TIME, as_message
from entrypoints.routes import ROUTES
from tests.examples import ids
from tests.unit.messages.harness import ConsumerHarness, a_command

SENT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ID, SUBJECT = ids.new(), ids.new()
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
OWN_EVENT = {
    "ce_id": str(ID).encode(),
    "ce_type": b"SubmitExamFee",
    "ce_source": b"bursar",
    "ce_subject": str(SUBJECT).encode(),
    "ce_sequence": b"3",
    "ce_requestid": b"request-7",
    "traceparent": TRACEPARENT.encode(),
}


def a_record(headers: dict[str, Any] | None = None, **changes: Any) -> ConsumerRecord[bytes, bytes]:
    given: dict[str, Any] = {
        "topic": "bursar.fees.commands.v1",
        "partition": 2,
        "offset": 41,
        "timestamp": int(SENT.timestamp() * 1000),
        "timestamp_type": LOG_APPEND_TIME,
        "key": b"key",
        "value": b"{}",
        "checksum": None,
        "serialized_key_size": 3,
        "serialized_value_size": 2,
        "headers": tuple((OWN_EVENT if headers is None else headers).items()),
    }
    return ConsumerRecord(**(given | changes))


def read(headers: dict[str, Any] | None = None, context: str = "fees.commands", **changes: Any) -> Message:
    return as_message(a_record(headers, **changes), context)


def test_a_producer_timestamp_is_not_trusted() -> None:
    before = datetime.now(UTC)

    assert read(timestamp_type=0).at >= before > read().at


def test_headers_that_may_be_secrets_are_not_kept() -> None:
    assert "SECRET" not in str(read(OWN_EVENT | {"authorization": b"Bearer SECRET"}).origin)


def test_a_cloud_event_is_decoded_completely() -> None:
    message = read(context="fees")

    assert (message.id, message.type, message.context) == (ID, "SubmitExamFee", "fees")
    assert (message.subject, message.version, message.at, message.body) == (SUBJECT, 3, SENT, b"{}")
    assert (message.trace.request_id, message.trace.traceparent) == ("request-7", TRACEPARENT)


@pytest.mark.parametrize(
    ("said", "version"),
    [({}, 1), ({"ce_dataversion": b"1"}, 1), ({"ce_dataversion": b"2"}, 2)]
    + [({"ce_dataversion": wrong}, 0) for wrong in (b"", None, b"1.0", b"v1", b"-1", b"9" * 30)],
)
def test_the_data_version_is_decoded_and_defaults_to_1(said: dict[str, bytes], version: int) -> None:
    assert read(OWN_EVENT | said).data_version == version


def test_a_message_carries_its_topic_partition_and_offset() -> None:
    origin = read().origin

    assert (origin["topic"], origin["partition"], origin["offset"]) == ("bursar.fees.commands.v1", "2", "41")
    assert str(ID) in origin["headers"]


def test_long_headers_are_truncated() -> None:
    assert len(read({"ce_type": b"x" * 100_000}).origin["headers"]) == 4_000


def test_a_record_without_headers_is_identified_by_its_offset() -> None:
    message = read({})

    assert (message.type, message.subject, message.version) == ("", UUID(int=0), 0)
    assert message.id == read({}).id
    assert message.id != read({}, offset=42).id
    assert message.id != read({}, partition=3).id
    assert message.trace.request_id
    assert message.trace.traceparent


def test_an_id_is_unique_within_its_source() -> None:
    one, other = OWN_EVENT | {"ce_source": b"school-1"}, OWN_EVENT | {"ce_source": b"school-2"}

    assert len({read().id, read(one).id, read(other).id}) == 3
    assert read(one).id == read(one, offset=99).id


def test_any_text_is_an_id_within_its_source() -> None:
    headers = OWN_EVENT | {"ce_source": b"school-1", "ce_id": b"order 7"}

    assert read(headers).id == read(headers, offset=99).id != read(headers | {"ce_id": b"order 8"}).id


def test_a_source_and_an_id_cannot_be_shifted_against_each_other() -> None:
    one, other = {"ce_source": b"a", "ce_id": b"b\nc"}, {"ce_source": b"a\nb", "ce_id": b"c"}

    assert read(OWN_EVENT | one).id != read(OWN_EVENT | other).id


def test_a_malformed_own_id_still_identifies_the_message() -> None:
    assert read(OWN_EVENT | {"ce_id": b"not-a-uuid"}).id == read(OWN_EVENT | {"ce_id": b"not-a-uuid"}, offset=99).id


@pytest.mark.parametrize("context", ["fees.commands", "warehouse"])
def test_a_foreign_message_cannot_take_the_id_of_an_own_event(context: str) -> None:
    assert read(context=context).id != read(context="fees").id == ID


def test_a_command_id_becomes_the_request_id() -> None:
    headers = {name: value for name, value in OWN_EVENT.items() if name != "ce_requestid"}

    assert read(headers).trace.request_id == str(ID)


def test_a_malformed_trace_is_replaced() -> None:
    trace = read(OWN_EVENT | {"traceparent": b"00-zz", "ce_requestid": b"a\nb"}).trace

    assert trace.traceparent.startswith("00-")
    assert trace.traceparent != "00-zz"
    assert "\n" not in trace.request_id


@pytest.mark.parametrize(
    ("headers", "changes"),
    [
        (dict.fromkeys(OWN_EVENT, b"\xff\xfe\x00"), {}),
        (dict.fromkeys(OWN_EVENT), {}),
        (OWN_EVENT | {"ce_sequence": b"9" * 5_000}, {}),
        (OWN_EVENT | {"ce_sequence": "²".encode()}, {}),
        (OWN_EVENT | {"ce_sequence": b"-1"}, {}),
        (OWN_EVENT | {"ce_subject": b"not-a-uuid"}, {}),
        (OWN_EVENT, {"timestamp": -1}),
        (OWN_EVENT, {"timestamp": 2**63 - 1}),
        (OWN_EVENT, {"timestamp": -(2**63)}),
        (OWN_EVENT, {"timestamp": 1_772_366_400_250_000_000}),
        (OWN_EVENT, {"value": None}),
    ],
)
def test_no_record_fails_to_decode(headers: dict[str, Any], changes: dict[str, Any]) -> None:
    message = read(headers, **changes)

    assert message.at.tzinfo is not None
    assert isinstance(message.body, bytes)


def test_a_tombstone_has_an_empty_body() -> None:
    assert read(value=None).body == b""


async def test_a_tombstone_is_buried_and_the_next_command_is_processed() -> None:
    harness = await ConsumerHarness().open()
    command = read(OWN_EVENT | {"ce_id": str(ids.new()).encode()}, value=a_command().body)
    await harness.consume([read(value=None), command])

    assert harness.submitted == ["T-1"]
    assert harness.dead_letters["SubmitExamFee"].startswith("MalformedMessage: the record has no value (a tombstone)")


SENT_BY = {"ce_id": b"7", "ce_source": b"school-1", "ce_type": b"SubmitExamFee", "ce_subject": str(SUBJECT).encode()}
ENVELOPE = {"specversion": "1.0", "id": "7", "source": "school-1", "type": "SubmitExamFee", "subject": str(SUBJECT)}
STRUCTURED = {"content-type": b"application/cloudevents+json; charset=UTF-8"}


def read_structured(headers: dict[str, Any] = STRUCTURED, **members: Any) -> Message:
    return read(headers, value=msgspec.json.encode(ENVELOPE | members))


@pytest.mark.parametrize(
    "data",
    [
        {"data": msgspec.Raw(b'{ "b": 1.0, "a": "\\u00e9" }')},
        {"data": None, "data_base64": b'{ "b": 1.0, "a": "\\u00e9" }'},
    ],
)
def test_an_event_is_the_same_in_both_modes(data: dict[str, Any]) -> None:
    extensions = {
        "dataversion": 1,
        "sequence": "3",
        "requestid": "request-7",
        "traceparent": TRACEPARENT,
        "other": None,
    }
    headers = {name: value for name, value in OWN_EVENT.items() if name not in SENT_BY} | SENT_BY
    binary = read(headers, value=b'{ "b": 1.0, "a": "\\u00e9" }')

    assert replace(read_structured(**data, **extensions), origin={}) == replace(binary, origin={})
    assert read_structured({"Content-Type": b"Application/CloudEvents+JSON"}, **data).malformed == ""


@pytest.mark.parametrize(
    ("headers", "value", "why"),
    [
        ({}, b"{}", "names no message type: send a CloudEvent 1.0: in binary mode"),
        ({"ce_id": b"7"}, b"{}", "names no message type"),
        ({"content-type": b"application/cloudevents-batch+json"}, b"[]", "`application/cloudevents-batch+json` is not"),
        ({"content-type": b"application/cloudevents+avro"}, b"[]", "`application/cloudevents+avro` is not read here"),
        (STRUCTURED, b"{not json", "no CloudEvent in structured mode"),
        (STRUCTURED, b"\xff\xfe", "no CloudEvent in structured mode"),
        (STRUCTURED, b"[" * 100_000, "no CloudEvent in structured mode"),
        (STRUCTURED, b"[]", "no CloudEvent in structured mode"),
        (STRUCTURED, None, "no CloudEvent in structured mode"),
        (STRUCTURED, b'{"type": {}}', "no CloudEvent in structured mode"),
        (STRUCTURED, b'{"type": "A", "data_base64": "*"}', "no CloudEvent in structured mode"),
        (STRUCTURED, b'{"type": "A", "data": 1, "data_base64": "MQ=="}', "both `data` and `data_base64`"),
        (STRUCTURED, b'{"type": null, "id": "7", "source": "a"}', "names no message type"),
        (STRUCTURED, b'{"type": "A", "id": "7"}', "`source` (`ce_source`) is missing"),
        (STRUCTURED, b'{"type": "A", "type": "B"}', "the field 'type' is given twice"),
        (STRUCTURED, b'{"type": "A", "specversion": "0.3"}', "`specversion` is '0.3'"),
        ({**SENT_BY, "ce_source": b""}, b"{}", "`source` (`ce_source`) is missing"),
        ({**SENT_BY, "ce_source": None}, b"{}", "`source` (`ce_source`) is missing"),
        ({**SENT_BY, "ce_id": b"\xff"}, b"{}", "`ce_id` is not UTF-8"),
        ({**SENT_BY, "ce_specversion": b"0.3"}, b"{}", "`specversion` is '0.3'"),
        ({**SENT_BY, "CE_ID": b"8"}, b"{}", "`ce_id` has two values"),
        (SENT_BY, None, "tombstone"),
        (SENT_BY, b" " * (MAX_BODY_BYTES + 1), "at most 4194304 are read"),
    ],
)
def test_a_record_that_is_no_cloud_event_says_why_and_takes_no_id(
    headers: dict[str, Any], value: bytes | None, why: str
) -> None:
    found = read(headers, value=value)

    assert why in found.malformed
    assert len(found.body) <= MAX_BODY_BYTES
    assert found.id == read({}).id
    with pytest.raises(MalformedMessage):
        asyncio.run(ROUTES.process([found], None))


def test_headers_of_others_are_no_attributes() -> None:
    others = {"id": b"8", "source": b"x", "type": b"Other", "subject": b"y", "dataversion": b"2", "tenant": b"\xff"}
    found, expected = read(others | SENT_BY | others), read(SENT_BY)

    assert (found.id, found.type, found.subject) == (expected.id, expected.type, expected.subject)
    assert (found.data_version, found.malformed) == (1, "")
    assert read(others).malformed.startswith("the record names no message type")


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "content-type"])
def test_a_header_may_be_repeated_only_with_the_same_value(name: str) -> None:
    def read_twice(second: bytes) -> Message:
        headers = (*(SENT_BY | {"content-type": b"application/json"}).items(), (name, second))
        return as_message(replace(a_record(), headers=headers), "fees.commands")

    first = (SENT_BY | {"content-type": b"application/json"})[name]

    assert (read_twice(first).malformed, read_twice(b"other").malformed) == ("", f"the header `{name}` has two values")


async def test_messages_of_unnamed_senders_do_not_vanish() -> None:
    harness = await ConsumerHarness().open()
    headers = {name: value for name, value in SENT_BY.items() if name != "ce_source"}
    records = [read(headers, offset=place, value=a_command(f"T-{place}").body) for place in (1, 2)]
    await harness.consume(records)

    assert [letter.reason for letter, _ in harness.store.dead_letters.values()] == ["MalformedMessage"] * 2
    for each in records:
        await harness.use_cases.messaging.replay_dead_letter(each.id, Decision(who="asha", why="the sender is known"))
    assert harness.submitted == ["T-1", "T-2"]
