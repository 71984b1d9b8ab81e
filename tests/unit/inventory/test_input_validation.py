"""Invalid input is refused before the database is read, and the error names the field."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from core.inventory.create_batch import Purchase
from core.inventory.errors import InvalidQuantity
from core.inventory.order_line import AllocationDemand
from core.inventory.ship_order import Shipment
from core.kernel.errors import Invalid

BAD_NAMES = ["", " ", "two words", "line\n", "\nline", "tab\there", "x" * 65, "-dash", ".dot", "naïve", "a/b", "a\x00b"]
GOOD_NAMES = ["A", "7", "KIT-XII", "po:2026.11_20", "x" * 64]
PURCHASE = {"reference": "shelf", "sku": "KIT", "quantity": 1}
DEMAND = {"order": "o-1", "sku": "KIT", "quantity": 1}
FIELDS = [(Purchase, PURCHASE, "reference"), (Purchase, PURCHASE, "sku"), (AllocationDemand, DEMAND, "order")]
FIELDS += [(AllocationDemand, DEMAND, "sku"), (Shipment, {"order": "o-1"}, "sku")]


@pytest.mark.parametrize(("kind", "given", "field"), FIELDS)
def test_a_name_is_a_word_of_plain_letters_and_may_have_marks_in_it(
    kind: Any, given: dict[str, Any], field: str
) -> None:
    for name in BAD_NAMES:
        with pytest.raises(Invalid, match=f"`{field}` is 1 to 64 letters") as refusal:
            kind(**given | {field: name})
        assert refusal.value.at == f"$.{field}"
    for name in GOOD_NAMES:
        assert getattr(kind(**given | {field: name}), field) == name


@pytest.mark.parametrize("quantity", [-1, 0, 1_000_001, 10**30])
@pytest.mark.parametrize(("kind", "given"), [(Purchase, PURCHASE), (AllocationDemand, DEMAND)])
def test_a_quantity_is_one_piece_to_a_million(kind: Any, given: dict[str, Any], quantity: int) -> None:
    with pytest.raises(InvalidQuantity, match="1 to 1,000,000 pieces") as refusal:
        kind(**given | {"quantity": quantity})

    assert refusal.value.at == "$.quantity"
    assert kind(**given | {"quantity": 1_000_000})


@pytest.mark.parametrize("priority", [-1, 10])
def test_a_priority_is_one_digit(priority: int) -> None:
    with pytest.raises(Invalid, match="`priority` must be from 0 to 9") as refusal:
        AllocationDemand(**DEMAND, priority=priority)  # type: ignore[arg-type]

    assert refusal.value.at == "$.priority"


def test_a_hold_names_its_time_zone() -> None:
    with pytest.raises(Invalid, match="has no time zone") as refusal:
        AllocationDemand(**DEMAND, hold_until=datetime(2026, 11, 20, 12))  # type: ignore[arg-type] # noqa: DTZ001

    assert refusal.value.at == "$.hold_until"


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_a_hold_ends_at_a_moment_that_can_be_written_down(moment: datetime) -> None:
    with pytest.raises(Invalid, match="between the years 1970 and 9999") as refusal:
        AllocationDemand(**DEMAND, hold_until=moment)  # type: ignore[arg-type]

    assert refusal.value.at == "$.hold_until"
