"""What answers tell browsers, and what pages of other sites cannot do."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from copy import copy
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from config.container import Application, running
from config.settings import Adapters, Settings
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.submission_intents import IntentSigner
from tests.applications import an_application
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app
from tests.integration.http_server import Answer, converse, get, post, served
from tests.integration.test_http_protocol import FEE, REFUSED, ROW, TAKEN

OF_DATA = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
HTTPS = {"strict-transport-security": "max-age=31536000"}
EVIL = "Origin: https://evil.example"
LAST = "Connection: close"


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(an_application(settings)) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(1, 4)))
        yield application


async def broken(*_: object) -> Any:
    raise ZeroDivisionError


async def defective(scope: Any, receive: Any, send: Any) -> None:
    """An application without any handling of its errors."""
    raise ZeroDivisionError


def stated(answer: Answer) -> dict[str, str]:
    """Return the policy of an answer; a header that is there twice would be two values."""
    names = OF_DATA.keys() | HTTPS.keys() | {"server", "access-control-allow-origin"}
    return {name: value for name, value in answer.headers.items() if name in names}


async def every_kind_of_answer(application: Application, **changes: Any) -> dict[str, Answer]:
    """Return answers of the application, of its middleware and of the protocol."""
    use_cases = copy(application.use_cases())
    use_cases.students = replace(use_cases.students, find_student=broken)  # type: ignore[arg-type]
    sent = {
        "found": get("/v1/fee-schedules"),
        "a head": get("/v1/fee-schedules", method="HEAD"),
        "options": get("/v1/fee-schedules", method="OPTIONS"),
        "not found": get("/v1/nope"),
        "another method": get("/v1/fee-schedules", method="DELETE"),
        "traced": get("/v1/fee-schedules", method="TRACE"),
        "created": post("/v1/exam-fees", FEE, "Idempotency-Key: k", LAST),
        "streamed": post("/v1/exam-fees:batch", ROW, LAST, media_type="application/x-ndjson"),
        "invalid": post("/v1/quotes", b"{}", LAST),
        "a defect": get("/v1/students/T-1"),
        "an unfinished body": post("/v1/quotes", FEE)[:-3],
        "live": get("/health/live"),
        "metrics": get("/metrics"),
        **{name: sent for name, (sent, _) in (REFUSED | TAKEN).items()},
    }
    app = http_app(application, use_cases=use_cases)
    async with served(application, app=app, body_seconds=0.3, **changes) as port:
        got = await asyncio.gather(
            *(converse(port, each, methods=(each.decode("latin-1").split()[0],)) for each in sent.values())
        )
    return {f"{name} {each.status}": each for name, answers in zip(sent, got, strict=True) for each in answers}


async def test_every_answer_states_the_policy_once(application: Application) -> None:
    answers = await every_kind_of_answer(application)

    assert {each.status for each in answers.values()} >= {
        200,
        201,
        204,
        400,
        404,
        405,
        408,
        413,
        414,
        415,
        431,
        500,
        501,
    }
    assert {name: stated(each) for name, each in answers.items()} == dict.fromkeys(answers, OF_DATA)


async def test_with_a_public_address_of_https_every_answer_says_to_stay_there(application: Application) -> None:
    answers = await every_kind_of_answer(application, public_url="https://fees.example.org")

    assert {name: stated(each) for name, each in answers.items()} == dict.fromkeys(answers, OF_DATA | HTTPS)


async def test_an_application_that_fails_and_one_under_overload_state_it_too(application: Application) -> None:
    full = AdmissionControl(IntentSigner(secret=b"s" * 32, grace=timedelta(60)), max_in_flight=0)
    async with served(application, app=defective) as port:
        [failed] = await converse(port, get())
    key = f"Authorization: Bearer {await an_api_key(application)}"
    async with served(application, admission=full) as port:
        [busy] = await converse(port, post("/v1/exam-fees", FEE, "Idempotency-Key: k", key, LAST))
        shed = await converse(port, post("/v1/exam-fees", FEE, "Idempotency-Key: k", key), get())

    assert (failed.status, shed[0].status, busy.status) == (500, 503, 503)
    assert stated(failed) == stated(shed[0]) == stated(busy) == OF_DATA
    assert "date" not in shed[0].headers, "the protocol itself has answered"


async def test_an_answer_can_state_its_own_policy(application: Application) -> None:
    async with served(application) as port:
        [page], [script] = await converse(port, get("/docs")), await converse(port, get("/docs-assets/docs_page.js"))

    assert "unsafe" not in page.headers["content-security-policy"]
    assert stated(page) == OF_DATA | {"content-security-policy": page.headers["content-security-policy"]}
    assert stated(script) == OF_DATA | {"cache-control": "max-age=86400"}


SIMPLE_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
"""What a page of another site can send without asking first (Fetch standard: CORS-safelisted)."""
SIGNED = "/v1/deliveries/{delivery}/reports/twilio"
"""Takes a form, and judges its signature."""


async def test_a_page_of_another_site_learns_nothing_and_is_given_no_leave(application: Application) -> None:
    ask = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type, idempotency-key")
    async with served(application) as port:
        answers = [
            *await converse(port, get("/v1/exam-fees", EVIL, *ask, method="OPTIONS")),
            *await converse(port, get("*", EVIL, *ask, method="OPTIONS")),
            *await converse(port, get("/v1/fee-schedules", EVIL)),
            *await converse(port, get("/v1/nope", EVIL)),
            *await converse(port, post("/v1/quotes", FEE, EVIL, LAST)),
        ]

    assert [each.status for each in answers] == [204, 204, 200, 404, 200]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "vary" not in answer.headers


async def test_a_form_of_another_site_is_no_request(application: Application) -> None:
    async with served(application) as port:
        [document] = await converse(port, get("/docs/openapi.json"))
        taken = set()
        for path, operations in json.loads(document.body)["paths"].items():
            if "requestBody" not in operations.get("post", {}) or path == SIGNED:
                continue
            target = re.sub(r"{\w+}", str(UUID(int=7)), path)
            for media_type in SIMPLE_TYPES:
                sent = post(target, FEE, EVIL, "Idempotency-Key: k", LAST, media_type=media_type)
                [answer] = await converse(port, sent)
                if answer.status != 415:
                    taken.add((path, media_type, answer.status))
        [signed] = await converse(port, post(target_of(SIGNED), b"a=b", LAST, media_type=SIMPLE_TYPES[1]))

    assert not taken
    assert signed.status in (403, 404)


def target_of(path: str) -> str:
    return re.sub(r"{\w+}", str(UUID(int=7)), path)


async def test_trace_does_not_send_the_request_back(application: Application) -> None:
    async with served(application) as port:
        [answer] = await converse(port, get("/v1/fee-schedules", "Cookie: secret", method="TRACE"))

    assert (answer.status, b"secret" in answer.body) == (405, False)


class Inline(HTMLParser):
    """Scripts and styles that stand in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in named):
            self.found.append(tag)
        self.found += [name for name in named if name == "style" or name.startswith("on")]


async def test_the_page_has_no_inline_script_or_style(application: Application) -> None:
    async with served(application) as port:
        [page], inline = (await converse(port, get("/docs")))[:1], Inline()
    inline.feed(page.body.decode())

    assert inline.found == []


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")
async def test_the_page_works_in_a_browser_under_its_policy(application: Application, tmp_path: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--enable-logging=stderr"]
    options += ["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    async with served(application, app=http_app(application, documented=True)) as port:
        [document] = await converse(port, get("/docs/openapi.json"))
        command = [
            str(CHROMIUM),
            *options,
            f"--user-data-dir={tmp_path}",
            "--dump-dom",
            f"http://127.0.0.1:{port}/docs",
        ]
        seen = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
    operations = [each for item in json.loads(document.body)["paths"].values() for each in item.values()]

    assert "Content Security Policy" not in seen.stderr, seen.stderr
    assert seen.stdout.count('class="opblock opblock-') == len(operations)
