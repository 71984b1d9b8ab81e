"""Dead letters and lost tables on the command line."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from adapters.sql.fees.tables import submissions
from adapters.sql.notifications.tables import deliveries
from config.container import Application, running
from config.sections.servers import MySQL, SQLite
from config.settings import Adapters, Settings
from core.kernel.errors import Invalid
from core.messaging.message import Message
from entrypoints.__main__ import open_runtime
from entrypoints.contexts import create_bursar
from tests.e2e.workspace import BURSAR, Workspace, until
from tests.examples import a_message

WHY = ("--why", "the roster is mended", "--who", "asha")
ESCAPE = "\x1b[31m"
ROSTER = "registration,name,category\n" + "".join(f"T-{number},Asha {number},student\n" for number in range(60))
Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "roster.csv").write_text(ROSTER)
    workspace = Workspace(tmp_path, None, {"BURSAR__HTTP__PORT": "0"})
    assert workspace.run("import", "students", "roster.csv").returncode == 0
    return workspace


@pytest.fixture
def typed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Run commands in this process, in one folder for all tests."""
    monkeypatch.chdir(tmp_path_factory.getbasetemp())

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            create_bursar(open_runtime)(words)
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


def settings_of(workspace: Workspace) -> Settings:
    return Settings(adapters=Adapters(persistence="sqlite"), sqlite=SQLite(path=str(workspace.folder / "bursar.db")))


def inside(settings: Settings, work: Callable[[Application], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine on the database of a workspace."""

    async def run() -> Any:
        async with running(Application(settings=settings)) as application:
            return await work(application)

    return asyncio.run(run())


def a_command(number: int = 1, **changes: Any) -> Message:
    body = json.dumps({"schedule": "sahyadri-semester", "registration": f"T-{number}"}).encode()
    given = {"context": "fees.commands", "type": "SubmitExamFee", "body": body, "at": datetime.now(UTC)}
    return a_message(**(given | changes))


def bury(settings: Settings, *messages: Message) -> None:
    async def work(application: Application) -> None:
        async with application.messaging.new_inbox() as inbox:
            for message in messages:
                await inbox.deduplicate(message)
                await inbox.bury(message, Invalid(f"it makes {ESCAPE} no sense"))
            await inbox.commit()

    inside(settings, work)


def count(settings: Settings) -> int:
    async def work(application: Application) -> int:
        async with application.storage.database().reading() as connection:
            return await connection.scalar(select(func.count()).select_from(submissions)) or 0

    found: int = inside(settings, work)
    return found


def states(settings: Settings) -> list[tuple[str, str, str]]:
    async def work(application: Application) -> list[tuple[str, str, str]]:
        async with application.storage.database().reading() as connection:
            query = select(deliveries.c.channel, deliveries.c.state, deliveries.c.reason)
            return sorted((row[0], row[1], row[2]) for row in await connection.execute(query))

    found: list[tuple[str, str, str]] = inside(settings, work)
    return found


def test_a_dead_letter_is_listed_shown_and_replayed_once(workspace: Workspace) -> None:
    message = a_command(origin={"topic": "t", "offset": "7", "headers": ESCAPE}, at=datetime(2026, 3, 1, tzinfo=UTC))
    bury(settings_of(workspace), message, a_command(2, type=f"Buy{ESCAPE}\nLunch\u202e", body=b"\xff\x00"))

    listed = workspace.run("dead-letters", "list")
    shown = workspace.run("dead-letters", "show", str(message.id))
    first = workspace.run("dead-letters", "replay", str(message.id), *WHY)
    second = workspace.run("dead-letters", "replay", str(message.id), *WHY)

    assert str(message.id) in listed.stdout
    assert "it makes \\x1b[31m no sense" in listed.stdout
    assert "\x1b" not in listed.stdout + shown.stdout
    assert "Buy\\x1b[31m\\nLunch\\u202e" in listed.stdout
    assert '"registration": "T-1"' in shown.stdout
    assert "offset:      7\n" in shown.stdout
    assert (first.returncode, first.stdout) == (0, "1 replayed, 0 failed, 0 settled by others\n"), first.stderr
    assert (second.returncode, second.stdout) == (3, "")
    assert second.stderr.startswith("letter-already-settled: it was replayed at ")
    assert count(settings_of(workspace)) == 1
    after = workspace.json("dead-letters", "show", str(message.id))
    assert (after["state"], after["handled_by"], after["why"]) == ("replayed", "asha", "the roster is mended")
    assert after["arrived_at"] == "2026-03-01T00:00:00Z"


def test_a_bulk_replay_without_confirmation_only_counts(workspace: Workspace) -> None:
    bury(settings_of(workspace), *(a_command(number) for number in range(5)), a_command(9, body=b"{"))
    words = ("dead-letters", "replay", "--type", "SubmitExamFee", *WHY)

    look, machine = workspace.run(*words), workspace.json(*words)
    assert look.returncode == 0
    assert look.stdout.endswith("6 dead letters would be replayed; nothing was changed: add --yes\n")
    assert (machine["count"], machine["groups"][0]["type"]) == (6, "SubmitExamFee")
    assert count(settings_of(workspace)) == 0

    done = workspace.run(*words, "--yes", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout) == {"replayed": 5, "failed": 1, "settled_by_others": 0}
    assert "it failed again: DecodeError" in done.stderr
    assert count(settings_of(workspace)) == 5
    [left] = workspace.json("dead-letters", "list")["items"]
    assert (left["tries"], left["reason"]) == (1, "DecodeError")


def test_what_is_dropped_is_kept_and_never_replayed(workspace: Workspace) -> None:
    message = a_command()
    bury(settings_of(workspace), message)

    dropped = workspace.run("dead-letters", "drop", str(message.id), *WHY)
    refused = workspace.run("dead-letters", "replay", str(message.id), *WHY)

    assert (dropped.returncode, dropped.stdout) == (0, "1 dropped, 0 failed, 0 settled by others\n")
    assert refused.returncode == 3
    assert count(settings_of(workspace)) == 0
    [kept] = workspace.json("dead-letters", "list", "--state", "dropped")["items"]
    assert (kept["id"], kept["handled_by"]) == (str(message.id), "asha")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("replay", *WHY), 2),
        (("drop", "--yes", *WHY), 2),
        (("drop", "--type", "X"), 2),
        (("drop", "--type", "X", "--why", ""), 1),
        (("drop", "--type", "X", "--why", "a\nb"), 1),
        (("replay", "--type", "X", "--rate", "0", *WHY), 2),
        (("replay", "--type", "X", "--rate", "9" * 10_000, *WHY), 2),
        (("replay", "--type", "X", "--from", "yesterday", *WHY), 1),
        (("replay", "--type", "X\n\x1b", *WHY), 0),
        (("replay", "--type", "x" * 256, *WHY), 1),
        (("replay", "BF-7K3M", *WHY), 1),
        (("replay", "019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42", "--type", "X", *WHY), 2),
        (("show", "019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42"), 1),
        (("list", "--limit", "100000000"), 2),
        (("list", "--after", "nobody"), 1),
        (("list", "--state", "lost"), 2),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_makes_no_sense_changes_nothing(typed: Typed, words: tuple[str, ...], code: int) -> None:
    ended, said = typed("dead-letters", *words)

    assert ended == code, said
    assert "\x1b" not in said


def test_the_operating_system_user_is_the_default_author(workspace: Workspace) -> None:
    message = a_command()
    bury(settings_of(workspace), message)
    assert workspace.run("dead-letters", "drop", str(message.id), "--why", "a test").returncode == 0

    assert workspace.json("dead-letters", "show", str(message.id))["handled_by"]


def test_ctrl_c_leaves_every_dead_letter_settled_or_untouched(workspace: Workspace) -> None:
    bury(settings_of(workspace), *(a_command(number) for number in range(50)))
    words = [BURSAR, "dead-letters", "replay", "--to", "2030-01-01", "--rate", "20", "--yes", *WHY]
    process = subprocess.Popen(words, cwd=workspace.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: count(settings_of(workspace)) >= 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert process.returncode == 130, err
    replayed = len(workspace.json("dead-letters", "list", "--state", "replayed", "--limit", "100")["items"])
    buried = len(workspace.json("dead-letters", "list", "--limit", "100")["items"])
    assert replayed + buried == 50
    assert 2 <= replayed == count(settings_of(workspace)) < 50
    assert out == f"{replayed} replayed, 0 failed, 0 settled by others\n"


async def test_on_mysql_two_replays_at_the_same_moment_are_one(mysql: MySQL, tmp_path: Path) -> None:
    config = tmp_path / "office.toml"
    config.write_text(
        'serve = []\nprovision = true\n[adapters]\npersistence = "mysql"\n[mysql]\n'
        f'host = "{mysql.host}"\nport = {mysql.port}\ndatabase = "{mysql.database}"\nuser = "{mysql.user}"\n'
    )
    workspace = Workspace(tmp_path, config, {"BURSAR__MYSQL__PASSWORD": mysql.password.reveal()})
    (tmp_path / "roster.csv").write_text(ROSTER)
    settings = Settings(adapters=Adapters(persistence="mysql"), mysql=mysql)

    def bulk_replay() -> tuple[list[int], int]:
        assert workspace.run("import", "students", "roster.csv").returncode == 0
        message = a_command()
        bury(settings, message)
        with ThreadPoolExecutor() as pool:
            words = ("dead-letters", "replay", str(message.id), *WHY)
            return sorted(done.returncode for done in pool.map(lambda _: workspace.run(*words), range(2))), count(
                settings
            )

    assert await asyncio.to_thread(bulk_replay) == ([0, 3], 1)


def test_a_lost_table_is_rebuilt_without_sending_a_second_notice(workspace: Workspace) -> None:
    bury(settings_of(workspace), *(a_command(number) for number in range(3)))
    workspace.run("dead-letters", "replay", "--to", "2030-01-01", "--yes", *WHY)
    with workspace.serve():
        until(lambda: len(states(settings_of(workspace))) == 6)
        until(lambda: all(state != "pending" and state != "sending" for _, state, _ in states(settings_of(workspace))))

    async def lose(application: Application) -> None:
        async with application.storage.database().writing() as connection:
            await connection.execute(delete(deliveries).where(deliveries.c.channel == "sms"))
            await connection.execute(update(deliveries).values(state="unknown", reason="no response"))
            await connection.commit()

    inside(settings_of(workspace), lose)
    words = ("replay", "--from", "2026-01-01", "--consumer", "bursar", *WHY)
    dry = workspace.json(*words, "--dry-run")
    assert len(states(settings_of(workspace))) == 3
    first = workspace.json(*words, "--type", "FeeSubmitted")
    again = workspace.run(*words, "--type", "FeeSubmitted")

    assert dry["taken"] >= first["taken"] == 3  # inventory events are about kits, too
    assert (again.returncode, again.stderr) == (0, "")
    assert "3 events taken in, 0 left to the broker, 0 are dead letters, 0 failed\n" in again.stdout
    expected = [("email", "unknown", "no response")] * 3 + [("sms", "suppressed", "rebuilt by replay")] * 3
    assert states(settings_of(workspace)) == expected


def test_what_the_consumer_has_not_had_is_left_to_it(workspace: Workspace) -> None:
    bury(settings_of(workspace), a_command())
    workspace.run("dead-letters", "replay", "--to", "2030-01-01", "--yes", *WHY)
    words = ("replay", "--from", "2026-01-01", "--consumer", "bursar", "--type", "FeeSubmitted", *WHY)

    assert workspace.json(*words) == {"taken": 0, "left": 1, "dead_letters": 0, "failed": 0}
    assert states(settings_of(workspace)) == []
    assert workspace.json(*words, "--send") == {"taken": 1, "left": 0, "dead_letters": 0, "failed": 0}
    assert [state for _, state, _ in states(settings_of(workspace))] == ["pending", "pending"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "2026-01-01", "--consumer", "nobody", *WHY), 1, "there is bursar"),
        (("--from", "soon", "--consumer", "bursar", *WHY), 1, "write 2026-11-20T00:00Z"),
        (("--from", "2026-02-01", "--to", "2026-01-01", "--consumer", "bursar", *WHY), 1, "before"),
        (("--from", "2026-02-01", "--consumer", "bursar"), 2, "--why"),
        (("--from", "2026-02-01", "--consumer", "bursar", "--type", "\udcff", *WHY), 1, "`type` is"),
        (("--from", "2026-02-01", "--consumer", "bursar", "--rate", "9" * 10_000, *WHY), 2, "--rate"),
    ],
)
def test_a_replay_that_makes_no_sense_says_so(typed: Typed, words: tuple[str, ...], code: int, said: str) -> None:
    ended, told = typed("replay", *words)

    assert ended == code
    assert said in told
