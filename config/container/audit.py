"""Builds the audit context and its adapters."""

from dependency_injector import containers, providers

from adapters.memory.audit.chain import MemoryAuditChain, NoAuditAnchors
from adapters.memory.audit.trail import MemoryAuditTrail
from config.container.messaging import Messaging
from config.container.process import Process
from config.container.providers import given, lazy_imports, stored
from config.container.providers import use_cases as use_cases_of
from config.container.storage import Storage
from core.audit.signed_head import HeadSigner
from core.audit.use_cases import AuditUseCases

with lazy_imports():
    from adapters.kafka.audit_anchors import KafkaAuditAnchors
    from adapters.sql.audit.chain import SqlAuditChain
    from adapters.sql.audit.trail import SqlAuditTrail
    from adapters.system.audit_anchors import FileAuditAnchors


class Audit(containers.DeclarativeContainer):
    """Audit records, the chain of their seals, and its published heads."""

    process = given(Process)
    storage = given(Storage)
    messaging = given(Messaging)
    settings, database, memory = process.settings.provided, storage.database, storage.memory

    trail = stored(
        process.persistence,
        sql=providers.Singleton(SqlAuditTrail, database),
        memory=providers.Singleton(MemoryAuditTrail, memory),
    )
    chain = stored(
        process.persistence,
        sql=providers.Singleton(SqlAuditChain, database),
        memory=providers.Singleton(MemoryAuditChain, memory),
    )
    anchors = providers.Selector(
        settings.adapters.audit_anchors,
        kafka=providers.Singleton(KafkaAuditAnchors, messaging.kafka_connection, settings.kafka.topic_prefix),
        file=providers.Singleton(FileAuditAnchors, settings.audit.path),
        none=providers.Singleton(NoAuditAnchors),
    )
    signer = providers.Singleton(HeadSigner, settings.audit.secret.reveal.call())

    use_cases = use_cases_of(
        AuditUseCases,
        storage.refusals,
        trail=trail,
        chain=chain,
        anchors=anchors,
        signer=signer,
        clock=process.clock,
    )
