"""The properties of every plan."""

from itertools import pairwise

from tests.chaos.fault_points import POINTS
from tests.chaos.plan import Kill, NetworkFault, Pause, Point, Restart, draw

SHORT = draw(seed=1, seconds=72, kills=30)


def test_the_same_seed_draws_the_same_plan_and_another_seed_another() -> None:
    assert draw(seed=7, seconds=300, kills=100) == draw(seed=7, seconds=300, kills=100)
    assert draw(seed=7, seconds=300, kills=100) != draw(seed=8, seconds=300, kills=100)


def test_even_a_short_run_tries_every_fault_point_and_every_server() -> None:
    faults = [step.fault for step in SHORT]

    assert {fault.point for fault in faults if isinstance(fault, Point) and fault.signal == "SIGKILL"} == set(POINTS)
    assert {fault.server for fault in faults if isinstance(fault, Restart)} == {"mysql", "kafka"}
    assert {fault.server for fault in faults if isinstance(fault, NetworkFault)} == {"mysql", "kafka", "twilio", "ses"}
    assert any(isinstance(fault, Pause) for fault in faults)


def test_it_kills_as_often_as_it_is_asked_to() -> None:
    deadly = [
        step for step in SHORT if isinstance(step.fault, Kill) or getattr(step.fault, "signal", None) == "SIGKILL"
    ]

    assert len(deadly) == 30


def test_heavy_faults_do_not_overlap() -> None:
    heavy = [
        (step.at, step.at + getattr(step.fault, "seconds", 6.0))
        for step in draw(seed=3, seconds=600, kills=10)
        if isinstance(step.fault, Restart) or getattr(step.fault, "server", "") in ("mysql", "kafka")
    ]

    assert all(ended < began for (_, ended), (began, _) in pairwise(heavy))
