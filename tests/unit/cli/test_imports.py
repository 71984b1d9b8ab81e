import json
from pathlib import Path

from tests.unit.cli.runner import CliRunner

SAHYADRI, NEET = (f"config/data/schedules/{name}.toml" for name in ("sahyadri-semester", "neet-ug-2026"))


def test_a_schedule_is_shown_with_its_kit(runner: CliRunner) -> None:
    code, out, _ = runner.run("import", "schedule", SAHYADRI, NEET)

    assert code == 0
    assert out.splitlines() == [
        "sahyadri-semester, version 1: Sahyadri University, semester examination, with the kit SU-EXAM-KIT",
        "neet-ug-2026, version 1: NEET (UG) 2026",
    ]


def test_the_kit_is_in_the_json_output(runner: CliRunner) -> None:
    _, out, _ = runner.run("import", "schedule", SAHYADRI, NEET, "--json")

    assert [each["kit"] for each in json.loads(out)] == ["SU-EXAM-KIT", None]


def test_contacts_that_were_left_empty_are_told_with_their_line_and_counted(runner: CliRunner, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "registration,name,category,email,phone\nT-1,Asha,general,a\u200b@x.org,12345\n", encoding="utf-8"
    )
    code, out, err = runner.run("import", "students", str(roster))
    listed = json.loads(runner.run("import", "students", str(roster), "--json")[1])

    assert (code, out) == (0, "1 rows: 1 added, 0 changed, 0 unchanged, 0 rejected, 2 contacts left empty\n")
    assert err.startswith(
        "line 2: email 'a\\u200b@x.org' has '\\u200b' (U+200B) in front of the @; it was left empty\n"
    )
    assert (listed["warned"], [each["column"] for each in listed["warnings"]]) == (2, ["email", "phone"])
