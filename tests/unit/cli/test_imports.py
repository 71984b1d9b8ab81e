import json
from pathlib import Path

import pytest

from tests.unit.cli.runner import CliRunner

SAHYADRI, NEET = (f"config/data/schedules/{name}.toml" for name in ("sahyadri-semester", "neet-ug-2026"))


def test_a_schedule_is_shown_with_its_kit(runner: CliRunner) -> None:
    code, out, _ = runner.run("import", "schedule", SAHYADRI, NEET)

    assert code == 0
    assert out.splitlines() == [
        "sahyadri-semester, version 1: Sahyadri University, semester examination, with the kit SU-EXAM-KIT",
        "neet-ug-2026, version 1: NEET (UG) 2026",
    ]


def test_a_schedule_is_utf8_with_a_byte_order_mark_or_refused_with_the_place(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "hindi.toml"
    text = Path(NEET).read_text(encoding="utf-8").replace("NEET (UG) 2026", "परीक्षा शुल्क")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())

    code, out, _ = runner.run("import", "schedule", str(file))

    assert (code, out) == (0, "neet-ug-2026, version 1: परीक्षा शुल्क\n")
    file.write_bytes(b'title = "Pr\xfcfung"')
    code, _, err = runner.run("import", "schedule", str(file))
    assert (code, f"invalid: {file} is not UTF-8 text (byte 12, 0xfc in line 1)" in err) == (1, True)


@pytest.mark.parametrize(
    ("toml", "said"),
    [("9" * 5_000, "thousands of digits"), ("[" * 50_000, "nested too deeply"), ("", "end of document")],
)
def test_a_schedule_that_no_parser_takes_is_told_in_words(
    runner: CliRunner, tmp_path: Path, toml: str, said: str
) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f"amount = {toml}", encoding="utf-8")

    code, _, err = runner.run("import", "schedule", str(file))

    assert (code, err.startswith(f"invalid-schedule: {file} is not TOML: "), said in err) == (1, True, True)


def test_a_roster_is_reported_with_what_was_cleared_and_what_stays(runner: CliRunner, tmp_path: Path) -> None:
    file, head = tmp_path / "roster.csv", "registration,name,category,centre\n"
    file.write_text(f"{head}T-1,Asha,general,DEL-1\nT-2,Ravi,general,DEL-1\n", encoding="utf-8")
    runner.run("import", "students", str(file))
    file.write_text(f"{head}T-1,Asha,general,\nT-2,\u202eRavi,general,\n", encoding="utf-8")

    code, out, err = runner.run("import", "students", str(file))
    assert (code, out) == (1, "2 rows: 0 added, 0 changed, 1 unchanged, 1 rejected\n")
    assert "line 3: name '\\u202eRavi' has U+202E at character 1, which is not printable" in err
    assert "column centre is empty in every row: 1 values stay; --clear removes them" in err
    _, out, _ = runner.run("import", "students", str(file), "--clear")
    assert out == "2 rows: 0 added, 1 changed, 0 unchanged, 1 rejected; 1 values cleared\n"


def test_a_roster_in_another_encoding_is_refused_by_name(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_bytes("registration,name,category\nT-1,Zoë,general\n".encode("cp1252"))

    code, _, err = runner.run("import", "students", str(file))

    assert code == 1
    assert f"unreadable-roster: {file} is not UTF-8 text (byte 34, 0xeb in line 2): save it as UTF-8" in err


def test_the_kit_is_in_the_json_output(runner: CliRunner) -> None:
    _, out, _ = runner.run("import", "schedule", SAHYADRI, NEET, "--json")

    assert [each["kit"] for each in json.loads(out)] == ["SU-EXAM-KIT", None]


def test_contacts_that_were_not_taken_are_told_with_their_line_and_counted(runner: CliRunner, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "registration,name,category,email,phone\nT-1,Asha,general,a\u200b@x.org,12345\n", encoding="utf-8"
    )
    code, out, err = runner.run("import", "students", str(roster))
    listed = json.loads(runner.run("import", "students", str(roster), "--json")[1])

    assert (code, out) == (0, "1 rows: 1 added, 0 changed, 0 unchanged, 0 rejected, 2 contacts not taken\n")
    assert err.startswith("line 2: email 'a\\u200b@x.org' has '\\u200b' (U+200B) in front of the @; it was not taken\n")
    assert (listed["warned"], [each["column"] for each in listed["warnings"]]) == (2, ["email", "phone"])
