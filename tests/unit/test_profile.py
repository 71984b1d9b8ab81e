import sys
from datetime import UTC, datetime

from benchmarks.profile import rows
from benchmarks.profiled import LOOP, place
from core.shared.requests import Answers, Request, once


class NoAnswers(Answers):
    async def to(self, request: Request) -> bytes | None:
        return None


async def test_time_in_code_that_is_nobodys_belongs_to_who_called_it() -> None:
    async def act() -> tuple[str, str]:
        return place(sys._getframe())

    request = Request(arrived=datetime.now(UTC))
    assert await once(NoAnswers(), request, act) == ("pricing and domain", "once")


def test_time_without_a_function_of_python_is_the_loops() -> None:
    assert place(None) == (LOOP, "")


def test_the_parts_of_a_submission_add_up_to_its_time() -> None:
    found = {"seconds": 2.0, "seen": [["a", "f", 2], ["b", "g", 1], ["a", "h", 1]]}
    *parts, together = rows(found, 1_000)
    assert parts[2:] == ["| a | 1,500 | 75% | `f`, `h` |", "| b | 500 | 25% | `g` |"]
    assert "**2,000**" in together
