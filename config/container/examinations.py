"""Builds what `bursar doctor` examines besides the probes of readiness: how each dependency is set up."""

from collections.abc import Iterator, Mapping
from operator import add
from typing import Any

from dependency_injector import containers, providers

from config.container.identity import Identity
from config.container.messaging import Messaging
from config.container.process import Process, tls_files
from config.container.providers import given, lazy_imports, stored
from config.container.storage import Storage
from config.settings import Settings
from core.identity.identity_provider import IdentityProvider
from core.kernel.clock import Clock
from core.kernel.health import Probe

with lazy_imports():
    from adapters.cryptography.certificates import CertificateProbe
    from adapters.kafka.topics_probe import KafkaTopicsProbe
    from adapters.oidc.probe import ProviderProbe
    from adapters.rabbitmq.topics_probe import RabbitMQTopicsProbe
    from adapters.sql.engine.doctor_probes import PrivilegesProbe, SchemaAgeProbe, ServerSettingsProbe
    from adapters.sql.engine.encryption_probe import EncryptionProbe
    from adapters.sql.engine.replica_probe import replica_probes


def processes_of(settings: Settings) -> int:
    """Return how many processes `bursar serve` starts."""
    others = settings.http.workers > 1 and set(settings.serve) != {"http"}
    return settings.http.workers + others


def certificate_probes(settings: Settings, clock: Clock) -> Iterator[Probe]:
    """Yield a probe of each certificate file that a chosen adapter uses."""
    for (section, name), file in tls_files(settings).items():
        yield CertificateProbe(f"{section}.{name}", file, clock)


def provider_probes(named: Mapping[str, IdentityProvider]) -> Iterator[Probe]:
    """Yield a probe of each identity provider."""
    for name, each in named.items():
        yield ProviderProbe(name, each)


class Examinations(containers.DeclarativeContainer):
    """Probes of how things are set up, which cost more than readiness may."""

    process = given(Process)
    storage = given(Storage)
    messaging = given(Messaging)
    identity = given(Identity)
    settings = process.settings.provided

    age = providers.Singleton(SchemaAgeProbe, storage.database)
    encryption = providers.Singleton(EncryptionProbe, storage.database, storage.column_cipher.provider)
    stored_probes: providers.Selector[Any] = stored(
        process.persistence, sql=providers.List(age, encryption), memory=providers.List()
    )
    mysql_probes = providers.List(
        providers.Singleton(PrivilegesProbe, storage.database),
        providers.Singleton(
            ServerSettingsProbe,
            storage.database,
            settings.mysql.connections,
            providers.Callable(processes_of, process.settings),
        ),
    )
    server_probes = providers.Selector(
        process.persistence,
        mysql=providers.Callable(add, mysql_probes, providers.Callable(replica_probes, storage.database)),
        sqlite=providers.List(),
        memory=providers.List(),
    )
    event_probes = providers.Selector(
        settings.adapters.events,
        kafka=providers.List(
            providers.Singleton(
                KafkaTopicsProbe,
                connection=messaging.kafka_connection,
                topic_prefix=settings.kafka.topic_prefix,
                contexts=process.routes.provided.contexts,
                partitions=settings.kafka.partitions,
                replicas=settings.kafka.replicas,
            )
        ),
        rabbitmq=providers.List(
            providers.Singleton(
                RabbitMQTopicsProbe,
                server=messaging.rabbitmq_server,
                topic_prefix=messaging.rabbitmq_prefix,
                contexts=process.routes.provided.contexts,
                partitions=messaging.rabbitmq_partitions,
            )
        ),
        embedded=providers.List(),
    )
    certificates = providers.Callable(certificate_probes, process.settings, process.clock)
    identity_providers = providers.Callable(provider_probes, identity.identity_providers)
