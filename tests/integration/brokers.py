"""Settings of one broker or the other, for promises about both."""

from msgspec.structs import replace

from config.sections.servers import Kafka, RabbitMQ
from config.settings import Adapters, Settings


def with_broker(settings: Settings, broker: Kafka | RabbitMQ) -> Settings:
    """Return settings with MySQL and a broker."""
    if isinstance(broker, Kafka):
        return replace(settings, adapters=Adapters(persistence="mysql", events="kafka"), kafka=broker)
    return replace(settings, adapters=Adapters(persistence="mysql", events="rabbitmq"), rabbitmq=broker)


def elsewhere(broker: Kafka | RabbitMQ, port: int) -> Kafka | RabbitMQ:
    """Return a broker at another port of this machine."""
    address = f"127.0.0.1:{port}"
    return replace(broker, bootstrap=address) if isinstance(broker, Kafka) else replace(broker, nodes=address)


def address(broker: Kafka | RabbitMQ) -> tuple[str, int]:
    """Return host and port of a broker."""
    host, _, port = (broker.bootstrap if isinstance(broker, Kafka) else broker.nodes).rpartition(":")
    return host, int(port)
