"""Valid and invalid documents of fee schedules."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given

from adapters.encoding import MsgspecScheduleFormat
from core.fees.errors import InvalidSchedule
from core.fees.schedule import FeeSchedule
from tests.unit.fees.schedules import SHIPPED, document, shipped
from tests.unit.fees.test_quote import schedules

FORMAT = MsgspecScheduleFormat()
XII = document("cbse-2020-xii")
Change = Callable[[dict[str, Any]], object]


def refusal_of(change: Change) -> InvalidSchedule:
    changed = deepcopy(XII)
    change(changed)
    with pytest.raises(InvalidSchedule) as refusal:
        FORMAT.read(changed)
    return refusal.value


@given(schedules())
def test_what_was_written_reads_the_same(schedule: FeeSchedule) -> None:
    assert FORMAT.read(FORMAT.write(schedule)) == schedule


@pytest.mark.parametrize("code", SHIPPED)
def test_a_shipped_schedule_survives_json(code: str) -> None:
    schedule = shipped(code)

    assert FORMAT.read(json.loads(json.dumps(FORMAT.write(schedule)))) == schedule


def test_toml_and_json_dates_read_the_same() -> None:
    as_strings = msgspec.json.decode(msgspec.json.encode(document("neet-ug-2026")))

    assert FORMAT.read(as_strings) == shipped("neet-ug-2026")


def test_the_version_is_no_part_of_a_document() -> None:
    schedule = shipped("cbse-2020-xii")

    assert FORMAT.write(replace(schedule, version=3)) == FORMAT.write(schedule)
    assert refusal_of(lambda it: it.update(version=3)).at == "$.version"


def test_a_document_of_before_there_were_kits_reads_as_one_without() -> None:
    written = FORMAT.write(shipped("cbse-2020-xii"))
    assert written.pop("kit") is None

    assert FORMAT.read(written) == shipped("cbse-2020-xii")


def test_the_former_word_for_an_audience_reads_as_the_new_one_and_is_not_written() -> None:
    former = FORMAT.write(shipped("neet-ug-2026"))
    for rule in former["rules"]:
        rule["who"] = rule.pop("audience")

    read = FORMAT.read(former)

    assert read == shipped("neet-ug-2026")
    assert all("audience" in rule and "who" not in rule for rule in FORMAT.write(read)["rules"])


def test_only_a_schedule_with_fines_has_their_key() -> None:
    document = FORMAT.write(shipped("cbse-2020-xii"))
    fine = {"rule": "late-payment", "basis_points": 500, "of": "balance", "per_day": True, "grace_days": 3, "cap": 9000}
    closes = {"submission": "2020-01-01T00:00:00", "payment": "2020-02-01T00:00:00"}

    assert "fines" not in document
    assert FORMAT.read(document | {"fines": []}) == shipped("cbse-2020-xii")
    fined = FORMAT.read(document | {"opens": None, "closes": closes, "fines": [fine]})
    assert FORMAT.read(FORMAT.write(fined)) == fined
    assert (fined.fines[0].of, fined.fines[0].cap) == ("balance", 9000)
    with pytest.raises(InvalidSchedule) as refusal:
        FORMAT.read(document | {"closes": closes, "fines": [fine | {"gracedays": 3}]})
    assert refusal.value.at == "$.fines[0].gracedays"


def test_an_audience_under_both_words_is_refused() -> None:
    refusal = refusal_of(lambda it: it["rules"][1].update(who={"region": "home"}))

    assert refusal.at == "$.rules[1].who"
    assert "write `audience` only" in str(refusal)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (lambda it: it.update(tittle="CBSE"), "$.tittle"),
        (lambda it: it["rules"][0].update(inclded=5), "$.rules[0].inclded"),
        (lambda it: it["rules"][1]["audience"].update(regoin="home"), "$.rules[1].audience.regoin"),
        (lambda it: it["rules"][2]["windows"][0].update(per_dya=5), "$.rules[2].windows[0].per_dya"),
        (lambda it: it.update(closes={"payments": None}), "$.closes.payments"),
        (lambda it: it.update(instalments=[{"basis_points": 10_000, "date": "2019-12-01"}]), "$.instalments[0].date"),
    ],
)
def test_an_unknown_key_is_refused_wherever_it_is(change: Change, at: str) -> None:
    refusal = refusal_of(change)

    assert refusal.at == at
    assert "unknown key; known are" in str(refusal)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (lambda it: it["rules"][1].update(base="lots"), "$.rules[1].base"),
        (lambda it: it["rules"][1].update(base=1.5), "$.rules[1].base"),
        (lambda it: it["rules"][1].update(base=True), "$.rules[1].base"),
        (lambda it: it["rules"][1].update(base=-1), "$.rules[1].base"),
        (lambda it: it["rules"][1].update(base=10**100), "$.rules[1].base"),
        (lambda it: it["rules"][0]["base"].update(sc=10**100), "$.rules[0].base.sc"),
        (lambda it: it["rules"][0].update(included=5.0), "$.rules[0].included"),
        (lambda it: it["rules"][1]["audience"].update(region="mars"), "$.rules[1].audience.region"),
        (lambda it: it["rules"][2]["windows"][0].update(after="2019-09-31"), "$.rules[2].windows[0].after"),
        (lambda it: it["rules"][2]["windows"][0].update(amount=-1), "$.rules[2].windows[0].amount"),
        (lambda it: it["rules"][3]["audience"].update(certificates=["deaf"]), "$.rules[3].audience.certificates"),
        (lambda it: it.update(opens="2019-08-01T00:00:00+05:30"), "$.opens"),
        (lambda it: it.update(kit="EXAM KIT"), "$.kit"),
        (lambda it: it.update(kit=7), "$.kit"),
        (lambda it: it.update(rules=["papers"]), "$.rules[0]"),
        (lambda it: it.update(rules={}), "$.rules"),
        (lambda it: it.pop("zone"), "$"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(change: Change, at: str) -> None:
    assert refusal_of(change).at == at


def test_a_refusal_tells_what_was_expected() -> None:
    assert str(refusal_of(lambda it: it["rules"][0].update(included="5"))) == "Expected `int`, got `str`"


@pytest.mark.parametrize("kind", ["paper", "", None, 5, ["flat"]])
def test_an_unknown_kind_is_refused_with_the_known_ones(kind: object) -> None:
    refusal = refusal_of(lambda it: it["rules"][1].update(kind=kind))

    assert refusal.at == "$.rules[1].kind"
    assert "concession, exempt, flat, late, papers" in str(refusal)


def test_a_rule_without_a_kind_is_refused() -> None:
    assert refusal_of(lambda it: it["rules"][1].pop("kind")).at == "$.rules[1].kind"


@pytest.mark.parametrize(
    ("rule", "missing"),
    [({"kind": "exempt"}, "audience"), ({"kind": "concession"}, "audience"), ({"kind": "flat", "title": "x"}, "head")],
)
def test_a_rule_without_a_required_field_is_refused_with_its_name(rule: dict[str, object], missing: str) -> None:
    refusal = refusal_of(lambda it: it["rules"].append(rule))

    assert f"`{missing}`" in str(refusal)
    assert refusal.at is not None
    assert refusal.at.startswith("$.rules[")
