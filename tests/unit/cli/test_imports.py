import json

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
