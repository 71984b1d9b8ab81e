"""Builds the vendor adapters that the settings name, each behind its limits."""

from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers

from adapters.console.senders import ConsoleEmailSender, ConsoleSmsSender
from adapters.sandbox.sent_messages import SandboxSentMessages
from adapters.system.tcp_probe import TcpProbe
from config.container.process import Process
from config.container.providers import configured, given, lazy_imports
from config.settings import Adapters, Settings
from core.notifications.attempt_log import AttemptLog
from core.notifications.delivery import Channel
from core.notifications.outcome_lookup import OutcomeLookup, SentMessagesByVendor

with lazy_imports():
    from adapters.jinja.templates import JinjaTemplates
    from adapters.resilience.chain import resilient
    from adapters.resilience.policy import ResiliencePolicy
    from adapters.sandbox.senders import SandboxEmailSender, SandboxSmsSender
    from adapters.ses.email import SesEmailSender
    from adapters.smtp.email import SmtpEmailSender
    from adapters.twilio.sent_messages import TwilioSentMessages
    from adapters.twilio.sms import TwilioSmsSender
    from adapters.twilio.status_reports import TwilioReports

SMTP_STEPS = 4
"""Parts of the deadline; a step that hangs must time out before the deadline makes the outcome unknown."""


def claim_lease(settings: Settings) -> timedelta:
    """Return a period longer than all calls for one delivery, with their waits and retries."""
    vendors = max(len(settings.adapters.email), len(settings.adapters.sms))
    one_call = settings.resilience.deadline_seconds + 5
    return timedelta(seconds=60 + 2 * vendors * settings.resilience.max_attempts * one_call)


def sent_messages_by_vendor(
    adapters: Adapters, **vendors: providers.Aggregate[Any]
) -> dict[Channel, SentMessagesByVendor]:
    """Return the query of each named vendor, None for a vendor without one."""
    return {
        channel: {name: known(name) if name in known.providers else None for name in getattr(adapters, channel)}
        for channel, known in ((Channel(word), known) for word, known in vendors.items())
    }


def fraction(seconds: float, parts: int) -> float:
    """Return one part of a duration."""
    return seconds / parts


class Vendors(containers.DeclarativeContainer):
    """Every vendor that the settings can name, and the resilience chain in front of the named ones."""

    process = given(Process)
    settings, clock = process.settings.provided, process.clock

    attempt_log = providers.Singleton(AttemptLog)
    deadline = settings.resilience.deadline_seconds
    smtp_step = providers.Callable(fraction, deadline, SMTP_STEPS)
    email_vendors: providers.Aggregate[Any] = providers.Aggregate(
        ses=providers.Singleton(configured(SesEmailSender), settings.ses, timeout=deadline),
        smtp=providers.Singleton(configured(SmtpEmailSender), settings.smtp, timeout=smtp_step),
        console=providers.Singleton(ConsoleEmailSender),
        sandbox=providers.Singleton(configured(SandboxEmailSender), settings.sandbox),
    )
    sms_vendors: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            configured(TwilioSmsSender),
            settings.twilio,
            public_url=settings.http.public_url,
            timeout=deadline,
        ),
        console=providers.Singleton(ConsoleSmsSender),
        sandbox=providers.Singleton(configured(SandboxSmsSender), settings.sandbox),
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
        auth_token=settings.twilio.auth_token.reveal.call(),
    )
    vendor_policy = providers.Singleton(configured(ResiliencePolicy), settings.resilience)
    templates = providers.Singleton(JinjaTemplates)
    outcome_lookup = providers.Factory(
        OutcomeLookup,
        records=records,
        templates=templates,
        deadline=providers.Callable(timedelta, seconds=settings.resilience.deadline_seconds),
    )
    email = providers.Singleton(
        resilient,
        channel=Channel.EMAIL,
        vendor=email_vendors.provider,
        names=settings.adapters.email,
        policy=vendor_policy,
        clock=clock,
        attempt_log=attempt_log,
    )
    sms = providers.Singleton(
        resilient,
        channel=Channel.SMS,
        vendor=sms_vendors.provider,
        names=settings.adapters.sms,
        policy=vendor_policy,
        clock=clock,
        attempt_log=attempt_log,
    )
    lease = providers.Callable(claim_lease, process.settings)
    resend_after = providers.Callable(timedelta, minutes=settings.notifications.resend_after_minutes)
    lifetime = providers.Callable(timedelta, hours=settings.notifications.expire_after_hours)
    manual_review_after = providers.Callable(timedelta, hours=settings.notifications.manual_review_after_hours)
    vendor_probes = providers.Dict(
        ses=providers.Singleton(
            TcpProbe.from_url, "e-mail (ses)", settings.ses.address, "correct ses.region or ses.url"
        ),
        smtp=providers.Singleton(
            TcpProbe, "e-mail (smtp)", settings.smtp.host, settings.smtp.port, "correct smtp.host"
        ),
        twilio=providers.Singleton(TcpProbe.from_url, "SMS (twilio)", settings.twilio.url, "correct twilio.url"),
    )
