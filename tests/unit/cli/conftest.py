import pytest

from tests.unit.cli.office import Counter


@pytest.fixture
def counter(capsys: pytest.CaptureFixture[str]) -> Counter:
    return Counter(capsys)
