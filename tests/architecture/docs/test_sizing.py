"""The sizes of example offices follow from the recorded figures."""

import json
import re

import pytest

from docs.generator import sizing
from docs.generator.sizing import OFFICES, RESULTS, ROLES, Office, processes

BOARD = OFFICES[-1]
FIGURES = json.loads(RESULTS.read_text())["figures"]


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.name)
def test_no_process_is_busy_for_more_than_half_of_the_peak(office: Office) -> None:
    needed = processes(office)

    for role, work in ROLES.items():
        assert office.peak * work.times / needed[role] <= FIGURES[work.figure]["median"] / 2, role
    assert min(needed.values()) >= office.fewest


def test_a_slower_step_needs_more_processes_and_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    before, cores = processes(BOARD), sizing.cores(BOARD)
    slow = dict(FIGURES) | {"relay, events/s": {"median": 100.0}}
    monkeypatch.setattr(sizing, "results", lambda: {"machine": {"cores": 2}, "figures": slow})

    assert processes(BOARD) == before | {"relay": 20}
    assert sizing.cores(BOARD) > cores


def test_each_byte_and_time_of_the_table_is_that_of_a_recorded_figure() -> None:
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in sizing.service_times().splitlines()[2:]]
    number = {name: float(re.sub(r"[^\d.]", "", each)) for name, _, each, _ in rows}

    assert number["consumer"] == round(1e6 / FIGURES["consumer, effects/s"]["median"])
    assert number["dispatcher"] == round(2e6 / FIGURES["dispatcher, deliveries/s"]["median"])
    assert number["disk, bytes a submission"] == round(FIGURES["disk, bytes a submission"]["median"])
    assert {name for _, name, *_ in rows} <= {f"`{name}`" for name in FIGURES}
