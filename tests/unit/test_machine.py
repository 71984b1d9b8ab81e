"""The workers of one run share the machine, and a test that is alone has it for itself."""

from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Barrier, Event, Thread
from time import monotonic

from tests.machine import use_of_the_machine


def a_test_waits_to_be_alone(folder: Path) -> bool:
    with (folder / "turn").open("w") as turn:
        try:
            flock(turn, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_tests_run_together(tmp_path: Path) -> None:
    together = Barrier(2, timeout=10)

    def run() -> None:
        with use_of_the_machine(tmp_path, alone=False):
            together.wait()

    threads = [Thread(target=run), Thread(target=run)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=20)

    assert not together.broken


def test_a_test_that_is_alone_waits_for_those_before_it_and_no_later_one_overtakes_it(tmp_path: Path) -> None:
    seen, disturbed = list[str](), Event()

    def run(name: str, *, alone: bool) -> None:
        with use_of_the_machine(tmp_path, alone=alone):
            seen.append(name)
            if alone:
                seen.append("disturbed" if disturbed.wait(0.1) else "in peace")
            else:
                disturbed.set()

    alone = Thread(target=run, args=("alone",), kwargs={"alone": True})
    later = Thread(target=run, args=("later",), kwargs={"alone": False})
    with use_of_the_machine(tmp_path, alone=False):
        alone.start()
        until = monotonic() + 10
        while not a_test_waits_to_be_alone(tmp_path):
            assert monotonic() < until
        later.start()
        seen.append("before")
    alone.join(timeout=20)
    later.join(timeout=20)

    assert seen == ["before", "alone", "in peace", "later"]
