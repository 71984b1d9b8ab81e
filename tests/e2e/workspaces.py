"""An empty application, in one process on SQLite or on the real servers."""

from pathlib import Path

import pytest

from config.sections.servers import Kafka, MySQL, Redis
from entrypoints.contexts import ROUTES
from tests.e2e.workspace import Workspace

EMBEDDED = """
[adapters]
persistence = "sqlite"
events = "embedded"
email = ["sandbox"]
sms = ["sandbox"]
cache = "memory"
[http]
port = 0
[sandbox]
record_path = "vendors.jsonl"
"""


def a_workspace(request: pytest.FixtureRequest, folder: Path, more: str = "") -> Workspace:
    """Create the database, and the topics if there is a broker; `more` settings are appended to the file."""
    config, environment = folder / "bursar.toml", dict[str, str]()
    text = EMBEDDED
    if request.param != "embedded":
        mysql: MySQL = request.getfixturevalue("mysql")
        kafka: Kafka = request.getfixturevalue("kafka")
        redis: Redis = request.getfixturevalue("redis")
        text = text.replace('"sqlite"', '"mysql"').replace('"embedded"', '"kafka"').replace('"memory"', '"redis"')
        text += f'[mysql]\nhost = "{mysql.host}"\nport = {mysql.port}\nuser = "{mysql.user}"\n'
        text += f'database = "{mysql.database}"\n[kafka]\nbootstrap = "{kafka.bootstrap}"\n'
        text += f'topic_prefix = "{kafka.topic_prefix}"\ngroup = "{kafka.group}"\npartitions = 3\n'
        environment["BURSAR__MYSQL__PASSWORD"] = mysql.password.reveal()
        environment["BURSAR__IDENTITY__SECRET"] = "the secret of an installation under test"
        environment["BURSAR__REDIS__PREFIX"] = kafka.topic_prefix
        environment["BURSAR__REDIS__URL"] = redis.url.reveal()
    config.write_text(text + more)
    made = Workspace(folder, config, environment)
    assert made.run("migrate").returncode == 0
    assert made.run("keys", "create").returncode == 0
    if request.param != "embedded":
        assert len(made.json("topics")) == len(ROUTES.contexts) + 2  # and audit heads, heartbeats
    return made
