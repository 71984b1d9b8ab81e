"""What one submission owes, in any order of what can happen to it."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.payments.account_machine import AccountMachine


def test_the_account_and_the_ledger_tell_the_story_in_any_order() -> None:
    run_state_machine_as_test(AccountMachine, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))
