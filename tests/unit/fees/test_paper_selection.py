import pytest

from core.fees.paper_selection import PaperSelection
from core.kernel.errors import Invalid


def test_a_paper_is_not_chosen_twice() -> None:
    with pytest.raises(Invalid) as refusal:
        PaperSelection(papers=("301", "041", "301"))

    assert refusal.value.at == "$.papers[2]"


def test_a_practical_is_not_chosen_twice() -> None:
    with pytest.raises(Invalid) as refusal:
        PaperSelection(papers=("301",), practicals=("301", "301"))

    assert refusal.value.at == "$.practicals[1]"


@pytest.mark.parametrize("code", ["", "a" * 17, "30 1", "301\n", "३०१", 301, None])
def test_a_malformed_code_is_refused(code: object) -> None:
    with pytest.raises(Invalid) as refusal:
        PaperSelection(papers=("301", code))  # type: ignore[arg-type]

    assert refusal.value.at == "$.papers[1]"


def test_fifty_papers_can_be_chosen_and_no_more() -> None:
    codes = tuple(str(code) for code in range(51))

    assert len(PaperSelection(papers=codes[:50]).papers) == 50
    with pytest.raises(Invalid) as refusal:
        PaperSelection(papers=codes)
    assert refusal.value.at == "$.papers[50]"
