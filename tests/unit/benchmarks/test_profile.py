import sys
from datetime import UTC, datetime

from benchmarks.profile import rows
from benchmarks.profiled import LOOP, place
from core.kernel.idempotency import Answers, RequestContext, execute_once


class NoAnswers(Answers):
    async def find(self, request: RequestContext) -> bytes | None:
        return None


async def test_time_in_unattributed_code_counts_for_its_caller() -> None:
    async def act() -> tuple[str, str]:
        return place(sys._getframe())

    request = RequestContext(arrived=datetime.now(UTC))
    assert await execute_once(NoAnswers(), request, act()) == ("pricing and domain", "execute_once")


def test_time_without_a_function_of_python_is_the_loops() -> None:
    assert place(None) == (LOOP, "")


def test_the_parts_of_a_submission_add_up_to_its_time() -> None:
    found = {"seconds": 2.0, "seen": [["a", "f", 2], ["b", "g", 1], ["a", "h", 1]]}
    *parts, together = rows(found, 1_000)
    assert parts[2:] == ["| a | 1,500 | 75% | `f`, `h` |", "| b | 500 | 25% | `g` |"]
    assert "**2,000**" in together
