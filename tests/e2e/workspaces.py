"""An empty application, in one process on SQLite or on the real servers."""

import asyncio
import json
from pathlib import Path

import pytest

from config.sections.servers import Kafka, MySQL, RabbitMQ, Redis
from entrypoints.routes import ROUTES
from tests.e2e.rabbitmq_topics import keep_events
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
    """Migrate the database, and create the topics if there is a broker; `more` settings are appended to the file."""
    config, environment = folder / "bursar.toml", dict[str, str]()
    text = EMBEDDED
    if request.param != "embedded":
        mysql: MySQL = request.getfixturevalue("migrated_mysql")
        events = request.param.partition("+")[2]
        broker: Kafka | RabbitMQ = request.getfixturevalue(events)
        redis: Redis = request.getfixturevalue("redis")
        text = text.replace('"sqlite"', '"mysql"').replace('"embedded"', f'"{events}"').replace('"memory"', '"redis"')
        text += f'[mysql]\nhost = "{mysql.host}"\nport = {mysql.port}\nuser = "{mysql.user}"\n'
        text += f'database = "{mysql.database}"\n[{events}]\n'
        given = {"topic_prefix": broker.topic_prefix, "partitions": broker.partitions}
        if isinstance(broker, Kafka):
            given |= {"bootstrap": broker.bootstrap, "group": broker.group}
        else:
            given |= {"nodes": broker.nodes, "user": broker.user}
            environment["BURSAR__RABBITMQ__PASSWORD"] = broker.password.reveal()
        text += "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
        environment["BURSAR__MYSQL__PASSWORD"] = mysql.password.reveal()
        environment["BURSAR__IDENTITY__SECRET"] = "the secret of an installation under test"
        environment["BURSAR__REDIS__PREFIX"] = broker.topic_prefix
        environment["BURSAR__REDIS__URL"] = redis.url.reveal()
    config.write_text(text + more)
    made = Workspace(folder, config, environment)
    assert made.run("migrate").returncode == 0
    assert made.run("keys", "create").returncode == 0
    if request.param != "embedded":
        assert len(made.json("topics")) >= len(ROUTES.contexts)
        if isinstance(broker, RabbitMQ):
            asyncio.run(keep_events(broker))
    return made
