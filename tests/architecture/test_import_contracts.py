import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "adapters", "config", "entrypoints")
INWARDS = "Dependencies point inwards"
PURE = "The core is pure Python"
CONTEXTS = "Bounded contexts are strangers who share a kernel"
LAYERED = "The core is layered"
ADAPTERS = "Driven adapters are strangers"
TRANSPORTS = "Transports are strangers, started from one place"
TOUCHES_ADAPTERS = "Only the composition root touches adapters"
TOUCHES_CONFIG = "Only the runtime touches the composition root"
INJECTOR = "dependency-injector lives in one package"
CYCLES = "No cycles"
PLANTED: dict[str, tuple[str, dict[str, str], str]] = {
    "a library in the core": (PURE, {"core/fees/planted.py": "import sqlalchemy"}, "core.fees.planted"),
    "an adapter in the core": (INWARDS, {"core/fees/planted.py": "import adapters.encoding"}, "core.fees.planted"),
    "a transport in an adapter": (INWARDS, {"adapters/sql/planted.py": "import entrypoints.http.app"}, "adapters.sql"),
    "a context that knows another": (
        CONTEXTS,
        {"core/fees/planted.py": "import core.students.student"},
        "core.fees.planted",
    ),
    "a kernel that knows a context": (
        CONTEXTS,
        {"core/kernel/planted.py": "import core.fees.quote"},
        "core.kernel.planted",
    ),
    "a new context that knows another": (
        CONTEXTS,
        {"core/lottery/__init__.py": "", "core/lottery/draw.py": "import core.fees.quote"},
        "core.lottery.draw",
    ),
    "a kernel that knows messages": (
        LAYERED,
        {"core/kernel/planted.py": "import core.messaging.message"},
        "core.kernel.planted",
    ),
    "an adapter that knows another": (
        ADAPTERS,
        {"adapters/sql/planted.py": "import adapters.memory.engine.database"},
        "adapters.sql.planted",
    ),
    "an undeclared adapter": (ADAPTERS, {"adapters/fax/__init__.py": ""}, "adapters.fax"),
    "a transport that knows another": (
        TRANSPORTS,
        {"entrypoints/http/planted.py": "import entrypoints.cli.command_runner"},
        "entrypoints.http.planted",
    ),
    "an undeclared transport": (TRANSPORTS, {"entrypoints/telex/__init__.py": ""}, "entrypoints.telex"),
    "an adapter in a transport": (
        TOUCHES_ADAPTERS,
        {"entrypoints/http/planted.py": "import adapters.memory.engine.database"},
        "entrypoints.http.planted",
    ),
    "settings that know an adapter": (
        TOUCHES_ADAPTERS,
        {"config/planted.py": "import adapters.memory.engine.database"},
        "config.planted",
    ),
    "settings in a transport": (
        TOUCHES_CONFIG,
        {"entrypoints/http/planted.py": "import config.settings"},
        "entrypoints.http.planted",
    ),
    "injection in a transport": (
        INJECTOR,
        {"entrypoints/http/planted.py": "from dependency_injector.wiring import inject"},
        "http.planted",
    ),
    "injection in an adapter": (INJECTOR, {"adapters/sql/planted.py": "import dependency_injector"}, "sql.planted"),
    "a cycle": (
        CYCLES,
        {"core/fees/hen.py": "import core.fees.egg", "core/fees/egg.py": "import core.fees.hen"},
        "- .hen -> .egg",
    ),
}


def lint(root: Path) -> tuple[int, str, dict[str, bool]]:
    """Return the exit code and output of import-linter, and the contracts that hold."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    wide = os.environ | {"COLUMNS": "300"}
    ended = subprocess.run(command, cwd=root, env=wide, capture_output=True, text=True, timeout=60, check=False)
    said = ended.stdout + ended.stderr
    return ended.returncode, said, {name: word == "KEPT" for name, word in re.findall(r"(.+) (KEPT|BROKEN)", said)}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the packages of the contracts, so that a test can violate them."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    code, said, contracts = lint(ROOT)

    assert [name for name, kept in contracts.items() if not kept] == [], said
    assert code == 0
    planted = tuple(contract for contract, _, _ in PLANTED.values())
    assert [name for name in contracts if not name.startswith(planted)] == [], "each needs a planted violation"
    assert len(contracts) == 10


@pytest.mark.parametrize(("contract", "files", "culprit"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_breaks_its_contract(
    copy: Path, contract: str, files: dict[str, str], culprit: str
) -> None:
    for name, content in files.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(content)
    code, said, contracts = lint(copy)

    assert code != 0
    assert [kept for name, kept in contracts.items() if name.startswith(contract)] == [False]
    assert culprit in said.partition("Broken contracts")[2]
