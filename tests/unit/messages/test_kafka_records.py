from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiokafka.structs import ConsumerRecord

from core.messaging.message import Message
from entrypoints.messages.kafka_records import LOG_APPEND_TIME, as_message
from tests.examples import ids
from tests.unit.messages.harness import Office, a_command

SENT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ID, SUBJECT = ids.new(), ids.new()
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
OURS = {
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
        "headers": tuple((OURS if headers is None else headers).items()),
    }
    return ConsumerRecord(**(given | changes))


def read(headers: dict[str, Any] | None = None, context: str = "fees.commands", **changes: Any) -> Message:
    return as_message(a_record(headers, **changes), context)


def test_a_producer_timestamp_is_not_trusted() -> None:
    before = datetime.now(UTC)

    assert read(timestamp_type=0).at >= before > read().at


def test_headers_that_may_be_secrets_are_not_kept() -> None:
    assert "SECRET" not in str(read(OURS | {"authorization": b"Bearer SECRET"}).origin)


def test_a_cloud_event_is_read_whole() -> None:
    message = read(context="fees")

    assert (message.id, message.type, message.context) == (ID, "SubmitExamFee", "fees")
    assert (message.subject, message.version, message.at, message.body) == (SUBJECT, 3, SENT, b"{}")
    assert (message.trace.request_id, message.trace.traceparent) == ("request-7", TRACEPARENT)


@pytest.mark.parametrize(
    ("said", "version"),
    [({}, 1), ({"ce_dataversion": b"1"}, 1), ({"ce_dataversion": b"2"}, 2)]
    + [({"ce_dataversion": wrong}, 0) for wrong in (b"", None, b"1.0", b"v1", b"-1", b"9" * 30)],
)
def test_the_version_of_a_body_is_read_and_never_guessed(said: dict[str, bytes], version: int) -> None:
    assert read(OURS | said).data_version == version


def test_a_message_says_where_it_came_from() -> None:
    origin = read().origin

    assert (origin["topic"], origin["partition"], origin["offset"]) == ("bursar.fees.commands.v1", "2", "41")
    assert str(ID) in origin["headers"]


def test_endless_headers_are_cut() -> None:
    assert len(read({"ce_type": b"x" * 100_000}).origin["headers"]) == 4_000


def test_a_record_without_headers_is_known_by_its_place() -> None:
    message = read({})

    assert (message.type, message.subject, message.version) == ("", UUID(int=0), 0)
    assert message.id == read({}).id
    assert message.id != read({}, offset=42).id
    assert message.id != read({}, partition=3).id
    assert message.trace.request_id
    assert message.trace.traceparent


def test_an_id_is_known_by_its_source() -> None:
    one, other = OURS | {"ce_source": b"school-1"}, OURS | {"ce_source": b"school-2"}

    assert len({read().id, read(one).id, read(other).id}) == 3
    assert read(one).id == read(one, offset=99).id


def test_any_name_is_an_id_at_its_source() -> None:
    headers = OURS | {"ce_source": b"school-1", "ce_id": b"order 7"}

    assert read(headers).id == read(headers, offset=99).id != read(headers | {"ce_id": b"order 8"}).id


def test_a_source_and_an_id_cannot_be_shifted_against_each_other() -> None:
    assert read({"ce_source": b"a", "ce_id": b"b\nc"}).id != read({"ce_source": b"a\nb", "ce_id": b"c"}).id


def test_an_id_of_ours_that_is_none_is_still_one() -> None:
    assert read(OURS | {"ce_id": b"not-a-uuid"}).id == read(OURS | {"ce_id": b"not-a-uuid"}, offset=99).id


@pytest.mark.parametrize("context", ["fees.commands", "warehouse"])
def test_a_foreign_message_cannot_take_the_id_of_one_of_our_events(context: str) -> None:
    assert read(context=context).id != read(context="fees").id == ID


def test_a_command_id_becomes_the_request_id() -> None:
    headers = {name: value for name, value in OURS.items() if name != "ce_requestid"}

    assert read(headers).trace.request_id == str(ID)


def test_a_malformed_trace_is_replaced() -> None:
    trace = read(OURS | {"traceparent": b"00-zz", "ce_requestid": b"a\nb"}).trace

    assert trace.traceparent.startswith("00-")
    assert trace.traceparent != "00-zz"
    assert "\n" not in trace.request_id


@pytest.mark.parametrize(
    ("headers", "changes"),
    [
        (dict.fromkeys(OURS, b"\xff\xfe\x00"), {}),
        (dict.fromkeys(OURS), {}),
        (OURS | {"ce_sequence": b"9" * 5_000}, {}),
        (OURS | {"ce_sequence": "²".encode()}, {}),
        (OURS | {"ce_sequence": b"-1"}, {}),
        (OURS | {"ce_subject": b"nobody"}, {}),
        (OURS, {"timestamp": -1}),
        (OURS, {"timestamp": 2**63 - 1}),
        (OURS, {"timestamp": -(2**63)}),
        (OURS, {"timestamp": 1_772_366_400_250_000_000}),
        (OURS, {"value": None}),
    ],
)
def test_nothing_that_arrives_stops_the_reader(headers: dict[str, Any], changes: dict[str, Any]) -> None:
    message = read(headers, **changes)

    assert message.at.tzinfo is not None
    assert isinstance(message.body, bytes)


def test_a_tombstone_has_an_empty_body() -> None:
    assert read(value=None).body == b""


async def test_a_tombstone_is_buried_and_the_next_command_followed() -> None:
    office = await Office().open()
    command = read(OURS | {"ce_id": str(ids.new()).encode()}, value=a_command().body)
    await office.consume([read(value=None), command])

    assert office.submitted == ["T-1"]
    assert office.dead_letters["SubmitExamFee"].startswith("DecodeError")
