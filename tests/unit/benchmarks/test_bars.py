"""Verdicts of `just bench`, and the table that tells its readers what is wanted."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.bars import BARS
from benchmarks.results import Results, show
from benchmarks.stages import STAGES

README = Path(__file__).parents[3] / "benchmarks" / "README.md"


def measured(**figures: float) -> Results:
    found = Results()
    found.add({"reads by id/s": 4_999.0, "import, s": 0.6} | figures)
    found.mysql = "9.0"
    return found


def limits(text: str) -> set[str]:
    return set(re.findall(r"[≥≤] [\d,.]*\d", text))


@pytest.mark.parametrize("stage", sorted({bar.stage for bar in BARS}))
def test_the_table_wants_what_the_verdicts_judge(stage: str) -> None:
    row = re.search(rf"^\| `{stage}` \|.*\|(.*)\|$", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert stage in STAGES
    assert row
    assert limits(row[1]) == limits(" ".join(str(bar) for bar in BARS if bar.stage == stage))


def test_a_pipe_gets_a_line_for_each_bar_that_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    show(measured(), as_json=False)

    assert capsys.readouterr().out.splitlines()[-2:] == [
        "reads by id/s\t≥ 5,000, or reads by id / http alone ≥ 0.9\t4,999.00\tmissed",
        "import, s\t≤ 0.6\t0.60\tkept",
    ]


@pytest.mark.parametrize(("of_http_alone", "verdict"), [(0.89, "missed"), (0.9, "kept")])
def test_slow_reads_are_good_enough_if_http_alone_is_no_faster(of_http_alone: float, verdict: str) -> None:
    judged = measured(**{"reads by id / http alone": of_http_alone}).verdicts()

    assert [each.verdict for each in judged if each.figure == "reads by id/s"] == [verdict]


def test_json_holds_the_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastapi")  # its version stands in the results
    show(measured(), as_json=True)

    told = json.loads(capsys.readouterr().out)["verdicts"]
    assert [(each["wanted"], each["verdict"]) for each in told] == [
        ("≥ 5,000, or reads by id / http alone ≥ 0.9", "missed"),
        ("≤ 0.6", "kept"),
    ]
