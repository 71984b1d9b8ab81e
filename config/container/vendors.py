"""Builds the vendor adapters that the settings name, each behind its limits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers

from adapters.console.senders import ConsoleEmailSender, ConsoleSmsSender
from adapters.memory.payments.owed_fees import MemoryOwedFees
from adapters.sandbox.sent_messages import SandboxSentMessages
from config.container.contacts import sender
from config.container.identity import Identity
from config.container.process import Process
from config.container.providers import configured, given, lazy_imports, stored
from config.container.storage import Storage
from config.container.traces import traced
from config.sections.vendors import Smtp, Twilio
from config.settings import Adapters, Settings
from core.notifications.attempt_log import AttemptLog
from core.notifications.delivery import Channel
from core.notifications.outcome_lookup import OutcomeLookup, SentMessagesByVendor
from core.notifications.rendering import LateFacts

with lazy_imports():
    from adapters.jinja.templates import JinjaTemplates
    from adapters.resilience.chain import resilient
    from adapters.resilience.policy import ResiliencePolicy
    from adapters.sandbox.senders import SandboxEmailSender, SandboxSmsSender
    from adapters.ses.email import SesEmailSender
    from adapters.ses.probe import SesProbe
    from adapters.smtp.email import SmtpEmailSender
    from adapters.smtp.probe import SmtpProbe
    from adapters.sql.payments.owed_fees import SqlOwedFees
    from adapters.telemetry.traced import traced_vendors
    from adapters.twilio.probe import TwilioProbe
    from adapters.twilio.sent_messages import TwilioSentMessages
    from adapters.twilio.sms import TwilioSmsSender
    from adapters.twilio.status_reports import TwilioReports


def claim_leases(settings: Settings) -> dict[Channel, timedelta]:
    """Return a period for each channel that is longer than all calls for one delivery, with their waits and retries.

    It has room for one answer of SMTP that takes as long as it may.  Where several do, the last of them outlives the
    claim, and no call begins after it (`TooLate`).
    """
    one_vendor = 2 * settings.resilience.max_attempts * (settings.resilience.deadline_seconds + 5)
    vendors = {Channel.EMAIL: settings.adapters.email, Channel.SMS: settings.adapters.sms}
    longest = {"smtp": settings.smtp.deadline_seconds}
    return {
        channel: timedelta(seconds=60 + sum(one_vendor + longest.get(name, 0) for name in names))
        for channel, names in vendors.items()
    }


def callback_tokens(twilio: Twilio) -> list[str]:
    """Return the tokens with which Twilio may sign."""
    return [token.reveal() for token in (twilio.auth_token, twilio.secondary_auth_token)]


def vendor_policies(policy: ResiliencePolicy, smtp: Smtp) -> dict[str, ResiliencePolicy]:
    """Return the policies of vendors that have limits of their own.

    A mail server may take minutes to answer (RFC 5321, 4.5.3.2), so a slow answer is no failure of it; and a message
    that is given to it finds a free connection.
    """
    deadline, connections = smtp.deadline_seconds, min(policy.max_in_flight, smtp.connections)
    return {
        "smtp": replace(policy, deadline_seconds=deadline, slow_seconds=deadline, max_in_flight=connections),
    }


def sent_messages_by_vendor(
    adapters: Adapters, **vendors: providers.Aggregate[Any]
) -> dict[Channel, SentMessagesByVendor]:
    """Return the query of each named vendor, None for a vendor without one."""
    return {
        channel: {name: known(name) if name in known.providers else None for name in getattr(adapters, channel)}
        for channel, known in ((Channel(word), known) for word, known in vendors.items())
    }


class Vendors(containers.DeclarativeContainer):
    """Every vendor that the settings can name, and the resilience chain in front of the named ones."""

    process = given(Process)
    storage = given(Storage)
    identity = given(Identity)
    settings, clock = process.settings.provided, process.clock

    attempt_log = providers.Singleton(AttemptLog)
    deadline = settings.resilience.deadline_seconds
    email_vendors: providers.Aggregate[Any] = providers.Aggregate(
        ses=providers.Singleton(
            configured(SesEmailSender),
            settings.ses,
            sender=providers.Callable(sender, settings.ses.sender, "ses.sender"),
            timeout=deadline,
        ),
        smtp=providers.Singleton(
            configured(SmtpEmailSender),
            settings.smtp,
            sender=providers.Callable(sender, settings.smtp.sender, "smtp.sender"),
            offer_seconds=settings.smtp.offer_seconds,
        ),
        console=providers.Singleton(ConsoleEmailSender),
        sandbox=providers.Singleton(
            SandboxEmailSender,
            record_path=settings.sandbox.record_path,
            failure_percent=settings.sandbox.failure_percent,
        ),
    )
    sms_vendors: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            TwilioSmsSender,
            url=settings.twilio.url,
            account_sid=settings.twilio.account_sid,
            auth_token=settings.twilio.auth_token.reveal.call(),
            sender=settings.twilio.sender,
            public_url=settings.http.public_url,
            timeout=deadline,
        ),
        console=providers.Singleton(ConsoleSmsSender),
        sandbox=providers.Singleton(
            SandboxSmsSender,
            record_path=settings.sandbox.record_path,
            failure_percent=settings.sandbox.failure_percent,
        ),
    )
    # SMTP has no query; SES queries only by the id that the lost answer held; the console keeps no record.
    email_records: providers.Aggregate[Any] = providers.Aggregate(
        sandbox=providers.Singleton(SandboxSentMessages, record_path=settings.sandbox.record_path)
    )
    sms_records: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            TwilioSentMessages,
            url=settings.twilio.url,
            account_sid=settings.twilio.account_sid,
            auth_token=settings.twilio.auth_token.reveal.call(),
            timeout=settings.resilience.deadline_seconds,
        ),
        sandbox=providers.Singleton(SandboxSentMessages, record_path=settings.sandbox.record_path),
    )
    records = providers.Callable(
        sent_messages_by_vendor, settings.adapters, email=email_records.provider, sms=sms_records.provider
    )
    twilio_reports = providers.Singleton(
        TwilioReports,
        public_url=settings.http.public_url,
        auth_tokens=providers.Callable(callback_tokens, settings.twilio),
    )
    vendor_policy = providers.Singleton(configured(ResiliencePolicy), settings.resilience)
    own_policies = providers.Singleton(vendor_policies, vendor_policy, settings.smtp)
    templates = providers.Singleton(JinjaTemplates)
    owed_fees = stored(
        process.persistence,
        sql=providers.Singleton(SqlOwedFees, storage.database),
        memory=providers.Singleton(MemoryOwedFees, storage.memory),
    )
    late_facts = providers.Singleton(LateFacts, secrets=identity.secret_facts, owed_fees=owed_fees)
    outcome_lookup = providers.Factory(
        OutcomeLookup,
        records=records,
        templates=templates,
        late_facts=late_facts,
        deadline=providers.Callable(timedelta, seconds=settings.resilience.deadline_seconds),
    )
    email = providers.Singleton(
        resilient,
        channel=Channel.EMAIL,
        vendor=providers.Callable(traced, traced_vendors, email_vendors.provider, process.tracer),
        names=settings.adapters.email,
        policy=vendor_policy,
        own_policies=own_policies,
        clock=clock,
        attempt_log=attempt_log,
    )
    sms = providers.Singleton(
        resilient,
        channel=Channel.SMS,
        vendor=providers.Callable(traced, traced_vendors, sms_vendors.provider, process.tracer),
        names=settings.adapters.sms,
        policy=vendor_policy,
        own_policies=own_policies,
        clock=clock,
        attempt_log=attempt_log,
    )
    leases = providers.Callable(claim_leases, process.settings)
    resend_after = providers.Callable(timedelta, minutes=settings.notifications.resend_after_minutes)
    lifetime = providers.Callable(timedelta, hours=settings.notifications.expire_after_hours)
    manual_review_after = providers.Callable(timedelta, hours=settings.notifications.manual_review_after_hours)
    vendor_probes: providers.Aggregate[Any] = providers.Aggregate(
        ses=providers.Singleton(
            SesProbe,
            region=settings.ses.region,
            url=settings.ses.address,
            access_key_id=settings.ses.access_key_id,
            secret_access_key=settings.ses.secret_access_key.reveal.call(),
        ),
        smtp=providers.Singleton(
            SmtpProbe,
            host=settings.smtp.host,
            port=settings.smtp.port,
            tls=settings.smtp.tls,
            ca_file=settings.smtp.ca_file,
            user=settings.smtp.user,
            password=settings.smtp.password.reveal.call(),
            timeout=settings.smtp.connect_seconds,
        ),
        twilio=providers.Singleton(
            TwilioProbe,
            url=settings.twilio.url,
            account_sid=settings.twilio.account_sid,
            auth_token=settings.twilio.auth_token.reveal.call(),
        ),
    )
