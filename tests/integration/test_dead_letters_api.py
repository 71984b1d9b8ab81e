"""Dead letters over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from config.sections.servers import SQLite
from config.settings import Adapters, Settings
from core.kernel.errors import Invalid
from core.messaging.message import Message
from tests.databases import DatabasePool
from tests.examples import a_message, ids
from tests.integration.test_http_api import Api, assert_problem, opened

DECISION = {"why": "the roster is mended"}
GOOD = b'{"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}'


@pytest.fixture(params=["memory", "sqlite"])
async def api(request: pytest.FixtureRequest, tmp_path: Path, prepared: DatabasePool) -> AsyncIterator[Api]:
    chosen = Settings(adapters=Adapters(persistence=request.param), sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    async with prepared.acquire(chosen) as settings, opened(settings) as api:
        await api.provision()
        yield api


async def bury(api: Api, body: bytes = GOOD, **changes: Any) -> Message:
    """Bury a command because of a decoding error."""
    given = {"context": "fees.commands", "type": "SubmitExamFee", "at": api.clock.now()}
    message = a_message(**(given | {"body": body} | changes))
    async with api.application.messaging.new_inbox() as inbox:
        await inbox.deduplicate(message)
        await inbox.bury(message, Invalid("it makes no sense"))
        await inbox.commit()
    api.clock.pass_by(timedelta(seconds=1))
    return message


async def letters(api: Api, **filters: Any) -> list[str]:
    answer = await api("GET", "/v1/dead-letters", params=filters)
    assert answer.status_code == 200, answer.text
    return [letter["id"] for letter in answer.json()["items"]]


async def submitted(api: Api) -> int:
    return len((await api("GET", "/v1/students/SU-2026-0001/exam-fees")).json()["items"])


async def test_dead_letter_pages_are_latest_first(api: Api) -> None:
    buried = [str((await bury(api)).id) for _ in range(5)]
    first = (await api("GET", "/v1/dead-letters", params={"limit": 3})).json()
    rest = (await api("GET", "/v1/dead-letters", params={"limit": 3, "after": first["next"]})).json()

    assert [each["id"] for each in first["items"] + rest["items"]] == buried[::-1]
    assert rest["next"] is None
    assert "body" not in first["items"][0]


async def test_dead_letters_are_filtered(api: Api) -> None:
    before = api.clock.now()
    command, other = await bury(api), await bury(api, type="Buy\nLunch")

    assert await letters(api, type="Buy\nLunch") == [str(other.id)]
    assert await letters(api, reason="Invalid", context="fees.commands", type="SubmitExamFee") == [str(command.id)]
    assert await letters(api, to=before.isoformat()) == []
    assert await letters(api, **{"from": (before + timedelta(seconds=1)).isoformat()}) == [str(other.id)]
    assert await letters(api, state="dropped") == []


@pytest.mark.parametrize(
    ("filters", "at"),
    [
        ({"limit": "1" * 10_000}, "$.limit"),
        ({"limit": "0"}, "$.limit"),
        ({"from": "yesterday"}, "$.from"),
        ({"from": "2026-11-20T00:00:00"}, "$.from"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "$.from"),
        ({"to": "0.5"}, "$.to"),
        ({"to": "2026-11-20 00:00:00Z"}, "$.to"),
        ({"to": "2026-11-20T00:00:00+0530"}, "$.to"),
        ({"to": "null"}, "$.to"),
        ({"after": "null"}, "$.after"),
        ({"after": "0" * 32}, "$.after"),
        ({"limit": "1e1"}, "$.limit"),
        ({"limit": "1.0"}, "$.limit"),
        ({"limit": ["1", "2"]}, "$.limit"),
        ({"state": "lost"}, "$.state"),
        ({"after": "not-an-id"}, "$.after"),
        ({"type": "x" * 256}, "$.type"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused(api: Api, filters: dict[str, Any], at: str) -> None:
    assert_problem(await api("GET", "/v1/dead-letters", params=filters), 400, "invalid", at)


async def test_a_period_that_ends_before_it_begins_is_refused(api: Api) -> None:
    period = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-19T00:00:00Z"}

    assert_problem(await api("GET", "/v1/dead-letters", params=period), 422, "unprocessable", "$.to")


async def test_a_dead_letter_shows_every_field(api: Api) -> None:
    message = await bury(api, origin={"topic": "t", "partition": "2", "offset": "41", "headers": "{}"})
    shown = (await api("GET", f"/v1/dead-letters/{message.id}")).json()

    assert (shown["format"], shown["body"]) == ("json", GOOD.decode())
    assert (shown["origin"]["offset"], shown["reason"], shown["detail"]) == ("41", "Invalid", "it makes no sense")
    assert (shown["state"], shown["tries"], shown["handled_at"]) == ("buried", 0, None)
    assert (shown["subject"], shown["version"]) == (str(message.subject), 1)


@pytest.mark.parametrize(
    ("body", "form", "text"),
    [
        (b"\xff\x00", "base64", "/wA="),
        (b"{", "text", "{"),
        (b"NaN", "text", "NaN"),
        (b"", "text", ""),
        (b"[" * 100_000, "text", "[" * 100_000),
        (b"9" * 10_000, "text", "9" * 10_000),
        (b'"\x7f"', "json", '"\x7f"'),
    ],
)
async def test_whatever_the_body_is_it_can_be_shown(api: Api, body: bytes, form: str, text: str) -> None:
    message = await bury(api, body)
    shown = (await api("GET", f"/v1/dead-letters/{message.id}")).json()

    assert (shown["format"], shown["body"]) == (form, text)


async def test_a_dead_letter_is_replayed_once_and_records_its_author(api: Api) -> None:
    message = await bury(api)
    path = f"/v1/dead-letters/{message.id}/replay"
    first = await api("POST", path, json=DECISION)
    second = await api("POST", path, json=DECISION)

    assert (first.status_code, first.json()["state"]) == (200, "replayed")
    assert first.json()["handled_by"].startswith("account:")
    assert first.json()["why"] == "the roster is mended"
    assert_problem(second, 409, "letter-already-settled")
    assert await submitted(api) == 1
    assert await letters(api) == []
    assert await letters(api, state="replayed") == [str(message.id)]


async def test_two_clicks_at_the_same_moment_take_effect_once(api: Api) -> None:
    path = f"/v1/dead-letters/{(await bury(api)).id}/replay"
    answers = await asyncio.gather(*(api("POST", path, json=DECISION) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert await submitted(api) == 1


async def test_a_dropped_dead_letter_never_takes_effect(api: Api) -> None:
    message = await bury(api)
    dropped = await api("POST", f"/v1/dead-letters/{message.id}/drop", json=DECISION)

    assert (dropped.status_code, dropped.json()["state"]) == (200, "dropped")
    assert_problem(
        await api("POST", f"/v1/dead-letters/{message.id}/replay", json=DECISION), 409, "letter-already-settled"
    )
    assert await submitted(api) == 0


async def test_what_fails_again_says_why_and_stays(api: Api) -> None:
    message = await bury(api, b"{not json")
    answer = await api("POST", f"/v1/dead-letters/{message.id}/replay", json=DECISION)

    assert "DecodeError" in assert_problem(answer, 409, "letter-still-buried")["detail"]
    shown = (await api("GET", f"/v1/dead-letters/{message.id}")).json()
    assert (shown["state"], shown["tries"], shown["reason"]) == ("buried", 1, "DecodeError")


async def test_replaying_an_unknown_type_is_refused_and_keeps_the_dead_letter(api: Api) -> None:
    message = await bury(api, type="BuyLunch")
    answer = await api("POST", f"/v1/dead-letters/{message.id}/replay", json=DECISION)

    assert_problem(answer, 409, "not-understood-here")
    assert (await api("GET", f"/v1/dead-letters/{message.id}")).json()["tries"] == 0


@pytest.mark.parametrize("path", ["", "/replay", "/drop"])
async def test_what_is_not_there_is_not_found(api: Api, path: str) -> None:
    method = "POST" if path else "GET"
    answer = await api(method, f"/v1/dead-letters/{ids.new()}{path}", json=DECISION)
    assert_problem(answer, 404, "unknown-dead-letter")
    assert_problem(await api(method, f"/v1/dead-letters/BF-0000{path}", json=DECISION), 404)


@pytest.mark.parametrize(
    ("change", "at"),
    [({"who": "asha"}, "$.who"), ({"why": "a\r\nb"}, "$.why"), ({"why": " "}, "$.why"), ({"colour": "blue"}, "$")],
)
async def test_without_a_person_and_a_reason_nothing_is_done(api: Api, change: dict[str, str], at: str) -> None:
    message = await bury(api)
    for path in (f"/v1/dead-letters/{message.id}/replay", "/v1/dead-letters:replay"):
        answer = await api("POST", path, json=DECISION | change)
        assert (answer.status_code, answer.json()["at"][: len(at)]) == (400, at)
    assert await letters(api) == [str(message.id)]


async def test_a_bulk_settlement_is_previewed_and_then_confirmed(api: Api) -> None:
    good, bad = await bury(api), await bury(api, b"{")
    await bury(api, type="BuyLunch")
    wanted = DECISION | {"type": "SubmitExamFee"}
    look = (await api("POST", "/v1/dead-letters:replay", json=wanted)).json()

    assert (look["count"], look["done"], [each["id"] for each in look["first"]]) == (
        2,
        None,
        [str(good.id), str(bad.id)],
    )
    assert await submitted(api) == 0
    done = (await api("POST", "/v1/dead-letters:replay", json=wanted | {"confirm": 2, "to": look["to"]})).json()
    assert (done["done"], [each["id"] for each in done["failures"]]) == (1, [str(bad.id)])
    assert done["failures"][0]["problem"] == "urn:bursar:problem:letter-still-buried"
    assert await submitted(api) == 1


async def test_a_bulk_settlement_whose_preview_is_outdated_is_refused(api: Api) -> None:
    message = await bury(api)
    for confirm in (0, 2, 1_000):
        answer = await api("POST", "/v1/dead-letters:drop", json=DECISION | {"confirm": confirm})
        problem = assert_problem(answer, 409, "letters-changed", "$.confirm")
        assert problem["facts"] == {"count": "1"}

    assert await letters(api) == [str(message.id)]


@pytest.mark.parametrize("confirm", [-1, 1_001, 1.5, "one", 10**400])
async def test_a_confirmation_that_is_no_count_is_refused(api: Api, confirm: Any) -> None:
    answer = await api("POST", "/v1/dead-letters:drop", json=DECISION | {"confirm": confirm})
    assert answer.status_code == 400


async def test_a_bulk_settlement_respects_its_rate(api: Api) -> None:
    for _ in range(4):
        await bury(api)
    began = asyncio.get_running_loop().time()
    done = await api("POST", "/v1/dead-letters:drop", json=DECISION | {"confirm": 4, "rate": 20})

    assert (done.json()["done"], asyncio.get_running_loop().time() - began >= 0.15) == (4, True)


async def test_a_rate_at_which_a_client_would_wait_too_long_is_refused(api: Api) -> None:
    for _ in range(61):
        await bury(api)
    wanted = DECISION | {"confirm": 61}
    answer = await api("POST", "/v1/dead-letters:drop", json=wanted | {"rate": 1})

    assert_problem(answer, 422, "unprocessable", "$.rate")
    assert "61 at 1 a second take longer than 60 s" in answer.json()["detail"]
    for rate in (0, -1, 100_001, 1.5, "fast"):
        answer = await api("POST", "/v1/dead-letters:drop", json=wanted | {"rate": rate})
        assert_problem(answer, 400, "invalid", "$.rate")
    assert (await api("POST", "/v1/dead-letters:drop", json=wanted | {"rate": 10_000})).json()["done"] == 61


async def test_a_dead_letter_id_may_contain_any_characters(api: Api) -> None:
    message = await bury(api, type="\x1b[31m' OR 1=1 --\u202e", origin={"headers": "\x00"})

    assert await letters(api) == [str(message.id)]
    assert UUID((await api("GET", f"/v1/dead-letters/{message.id}")).json()["id"]) == message.id
