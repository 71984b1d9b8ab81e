import pytest

from tests.unit.cli.runner import CliRunner


@pytest.fixture
def runner(capsys: pytest.CaptureFixture[str]) -> CliRunner:
    return CliRunner(capsys)
