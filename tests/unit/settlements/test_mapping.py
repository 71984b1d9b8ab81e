"""Mappings of settlement files: what is wrong with one is told."""

from pathlib import Path

import pytest

from core.kernel.errors import Invalid
from entrypoints.settlement_mappings import SHIPPED, read_mapping, shipped_mapping

RAZORPAY = (SHIPPED / "razorpay.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("word", "other", "told"),
    [
        ('received = ["credit"]', "", "received"),
        ('zone = "Asia/Kolkata"', 'zone = "Asia/Pune"', "no IANA time zone"),
        ('id = "entity_id"', "id = [0, 5]", "the name of a column"),
        ('gateway = "razorpay"', 'gateway = "Razor pay"', "small letters"),
        ('gateway = "razorpay"', 'gatway = "razorpay"', "unknown field"),
        ('payment = "payment"', 'payment = "sale"', "sale"),
        ('bank = "razorpay"', "bank = ", "not TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_fault(tmp_path: Path, word: str, other: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    assert word in RAZORPAY
    path.write_text(RAZORPAY.replace(word, other), encoding="utf-8")

    with pytest.raises(Invalid, match=told):
        read_mapping(path)


def test_without_a_known_gateway_the_known_ones_are_named() -> None:
    with pytest.raises(Invalid, match="razorpay, stripe"):
        shipped_mapping("paypal")
