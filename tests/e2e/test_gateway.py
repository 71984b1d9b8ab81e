"""The gateways in front of servers that misbehave."""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.e2e.gateways import KINDS, Kind, Setup, gateway, is_of_this_machine, required
from tests.e2e.small_server import SmallServer, small_servers
from tests.e2e.workspace import until

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Front(NamedTuple):
    """A gateway in front of two servers, and its client."""

    client: httpx.Client
    servers: list[SmallServer]

    def statuses(self, method: str, path: str, number: int) -> Counter[int]:
        """Return how often each status answered."""
        return Counter(self.client.request(method, path).status_code for _ in range(number))

    def asked(self, method: str) -> int:
        """Return how often both servers were asked."""
        return sum(each.asked[method] for each in self.servers)


@pytest.fixture(params=KINDS, scope="module")
def kind(request: pytest.FixtureRequest) -> Kind:
    required(request)
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def running(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with small_servers(2) as servers:
        setup = Setup(tuple(each.port for each in servers))
        with gateway(kind, tmp_path_factory.mktemp(kind), setup) as client:
            yield Front(client, servers)


@pytest.fixture
def front(running: Front) -> Front:
    """Return the gateway with two servers that it knows to be ready."""
    for each in running.servers:
        each.mend()
    until(lambda: running.statuses("POST", "/v1/quotes", 2) and all(each.asked["POST"] for each in running.servers))
    for each in running.servers:
        each.mend()
    return running


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_changes_nothing_is_repeated_when_its_server_breaks(front: Front, method: str) -> None:
    _, bad = front.servers
    bad.breaks = True

    assert front.statuses(method, "/v1/fee-schedules", 20) == {200: 20}
    assert bad.asked[method] > 0


def test_what_a_server_may_have_executed_is_never_repeated(front: Front) -> None:
    ordered = {"x-envoy-retry-on": "5xx,reset", "x-envoy-max-retries": "5", "Idempotency-Key": "k"}
    for each in front.servers:
        each.breaks = True
    for method in WRITES:
        for body in (b"", b"{}"):
            assert front.client.request(method, "/v1/exam-fees", headers=ordered, content=body).status_code >= 502
        assert front.asked(method) == 2, method


def test_while_a_server_cannot_be_reached_reads_go_elsewhere_and_no_write_is_done_twice(
    kind: Kind, tmp_path: Path
) -> None:
    with small_servers(2) as servers:
        good, gone = servers
        with gateway(kind, tmp_path, Setup((good.port, gone.port), seconds_between_checks=60)) as client:
            front = Front(client, servers)
            gone.end()
            reads = front.statuses("GET", "/v1/x", 20) + front.statuses("HEAD", "/v1/x", 20)
            writes = sum((front.statuses(method, "/v1/x", 6) for method in WRITES), Counter[int]())

    assert reads == {200: 40}
    assert writes == {"traefik": {200: 12, 502: 12}, "envoy": {200: 24}}[kind]
    assert sum(good.asked[method] for method in WRITES) == writes[200]


def test_a_server_that_is_not_ready_leaves_the_rotation_and_returns(front: Front) -> None:
    _, other = front.servers

    def asked_of_other() -> int:
        before = other.asked["POST"]
        assert front.statuses("POST", "/v1/quotes", 10) == {200: 10}
        return other.asked["POST"] - before

    other.ready = False
    until(lambda: not asked_of_other())
    other.ready = True
    until(asked_of_other)


def test_when_no_server_is_ready_the_office_itself_answers(front: Front) -> None:
    for each in front.servers:
        each.ready = False
    until(lambda: all(each.checks_failed > 1 for each in front.servers))  # the gateway has judged the first

    assert front.statuses("POST", "/v1/exam-fees", 20) == {200: 20}


def test_an_address_that_asks_too_often_is_answered_429(kind: Kind, tmp_path: Path) -> None:
    with small_servers(1) as [server], gateway(kind, tmp_path, Setup((server.port,), rate=1, burst=5)) as client:
        answers = [client.get("/v1/fee-schedules") for _ in range(20)]

    found = Counter(each.status_code for each in answers)
    assert found[429] >= 10
    assert server.asked["GET"] == found[200] >= 1
    assert {int(each.headers["Retry-After"]) for each in answers if each.status_code == 429} <= {0, 1}


def test_the_office_is_told_the_real_address_of_a_client(front: Front) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    for connection in ("keep-alive", "close, X-Forwarded-For", "X-Forwarded-For"):
        front.client.get("/v1/x", headers={**forged, "Connection": connection})

    heads = [head for each in front.servers for head in each.heads]
    assert heads
    assert all(is_of_this_machine(head["x-forwarded-for"].rpartition(",")[2].strip()) for head in heads)


def test_a_target_reaches_the_office_as_it_was_sent(front: Front) -> None:
    front.client.get("/v1/students/SU%2F2026%2F1?x=%2F")

    assert [target for each in front.servers for target in each.targets] == ["/v1/students/SU%2F2026%2F1?x=%2F"]


def test_a_token_is_not_called_wrong_while_nothing_can_judge_it(front: Front, kind: Kind) -> None:
    parts = {"alg": "ES256", "kid": "1"}, {"iss": "bursar", "aud": "bursar", "exp": 4_000_000_000}
    token = ".".join(urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in (*parts, 64 * "0"))
    answer = front.client.get("/v1/x", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == {"traefik": 200, "envoy": 503}[kind], answer.text
    assert kind == "traefik" or (answer.json()["status"], answer.headers["Retry-After"]) == (503, "1")
