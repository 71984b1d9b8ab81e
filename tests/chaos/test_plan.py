"""The properties of every plan."""

from itertools import pairwise

from tests.chaos.fault_points import POINTS
from tests.chaos.faults import Kill, NetworkFault, Pause, Point, Restart, every_fault
from tests.chaos.plan import draw, repeated

SHORT = draw(seed=1, seconds=72, kills=30)


def test_the_same_seed_draws_the_same_plan_and_another_seed_another() -> None:
    assert draw(seed=7, seconds=300, kills=100) == draw(seed=7, seconds=300, kills=100)
    assert draw(seed=7, seconds=300, kills=100) != draw(seed=8, seconds=300, kills=100)


def test_even_a_short_run_tries_every_fault_point_and_every_server() -> None:
    faults = [step.fault for step in SHORT]

    assert {fault.point for fault in faults if isinstance(fault, Point) and fault.signal == "SIGKILL"} == set(POINTS)
    assert {fault.server for fault in faults if isinstance(fault, Restart)} == {"mysql", "broker"}
    assert {fault.server for fault in faults if isinstance(fault, NetworkFault)} == {"mysql", "broker", "twilio", "ses"}
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
        if isinstance(step.fault, Restart) or getattr(step.fault, "server", "") in ("mysql", "broker")
    ]

    assert all(ended < began for (_, ended), (began, _) in pairwise(heavy))


def test_plans_have_the_named_faults_and_no_others() -> None:
    drawn = {step.fault.name for seed in range(12) for step in draw(seed, seconds=600, kills=100)}

    assert drawn == set(every_fault())


def test_a_fault_is_played_alone_with_time_to_recover() -> None:
    steps = repeated("broker_cut", seconds=72)

    assert {step.fault.name for step in steps} == {"broker_cut"}
    assert [step.at for step in steps] == [2.0, 23.0, 44.0]
    assert len(repeated("stop_dispatcher", seconds=5)) == 1
