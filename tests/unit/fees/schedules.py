"""Schedules and candidates for tests."""

import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from adapters.encoding import MsgspecScheduleFormat
from core.fees.candidate import Candidate, StudentId
from core.fees.paper_selection import PaperSelection
from core.fees.pricing.flat_fee import FlatFee
from core.fees.schedule import FeeSchedule

SCHEDULES = Path(__file__).parents[3] / "config" / "data" / "schedules"
SHIPPED = sorted(file.stem for file in SCHEDULES.glob("*.toml"))
NOTHING = PaperSelection(papers=())
PAPERS = ("301", "302", "041", "042", "043", "044", "083")
SOME_DAY = datetime(2019, 9, 1, tzinfo=UTC)


def document(code: str) -> dict[str, Any]:
    return tomllib.loads((SCHEDULES / f"{code}.toml").read_text())


def shipped(code: str) -> FeeSchedule:
    return MsgspecScheduleFormat().read(document(code))


def a_candidate(category: str = "general", *certificates: str, country: str = "IN") -> Candidate:
    return Candidate(
        id=StudentId(UUID(int=1)),
        registration="2019-0001",
        name="Asha Kulkarni",
        category=category,
        country=country,
        certificates=frozenset(certificates),
    )


def a_choice(papers: int, practicals: int = 0) -> PaperSelection:
    return PaperSelection(papers=PAPERS[:papers], practicals=PAPERS[:practicals])


def a_fee(head: str = "examination", amount: Any = 10_000, **more: Any) -> FlatFee:
    return FlatFee(head=head, title="Examination", amount=amount, **more)


def a_schedule(*rules: Any, **changes: Any) -> FeeSchedule:
    plain: dict[str, Any] = {
        "code": "trial",
        "title": "A trial",
        "currency": "INR",
        "zone": "Asia/Kolkata",
        "country": "IN",
        "categories": ("general", "sc"),
        "certificates": ("blind", "merit"),
        "rules": rules or (a_fee(),),
    }
    return FeeSchedule(**plain | changes)


def local(text: str, zone: str = "Asia/Kolkata", fold: int = 0) -> datetime:
    """Return the moment in UTC of a local time in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def rupees(minors: Iterable[int]) -> list[int]:
    return [minor // 100 for minor in minors]
