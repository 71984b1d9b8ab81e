"""Who carries messages to people, and how they are asked what became of them."""

from datetime import timedelta
from typing import Any

from dependency_injector import providers

from adapters.console.senders import ConsoleEmailSender, ConsoleSmsSender
from adapters.sandbox.sent_messages import SandboxSentMessages
from adapters.system.tcp_probe import TcpProbe
from config.container.basics import Basics
from config.container.building import configured, lazily
from config.settings import Adapters, Settings
from core.notifications.delivery import Channel
from core.notifications.outcome_lookup import OutcomeLookup, SentMessagesByVendor

settings, clock, journal = Basics.settings, Basics.clock, Basics.journal


def long_enough(settings: Settings) -> timedelta:
    """Return longer than vendors can be asked on behalf of one delivery, waits and retries included."""
    vendors = max(len(settings.adapters.email), len(settings.adapters.sms))
    one_call = settings.resilience.deadline_seconds + 5
    return timedelta(seconds=60 + 2 * vendors * settings.resilience.tries * one_call)


def askable(adapters: Adapters, **vendors: providers.Aggregate[Any]) -> dict[Channel, SentMessagesByVendor]:
    """Return for each vendor that is named how to ask it what became of a message, None where that cannot be."""
    return {
        channel: {name: known(name) if name in known.providers else None for name in getattr(adapters, channel)}
        for channel, known in ((Channel(word), known) for word, known in vendors.items())
    }


def divided(seconds: float, parts: int) -> float:
    """Return one part of a time."""
    return seconds / parts


class Vendors(Basics):
    """Senders by the words of the settings, and what stands around them."""

    # A letter takes several steps: one that hangs must be noticed before the deadline makes the outcome unknown.
    deadline = settings.provided.resilience.deadline_seconds
    one_step = providers.Callable(divided, deadline, 4)
    email_vendors: providers.Aggregate[Any] = providers.Aggregate(
        ses=providers.Singleton(
            configured("adapters.ses.email", "SesEmailSender"), settings.provided.ses, timeout=deadline
        ),
        smtp=providers.Singleton(
            configured("adapters.smtp.email", "SmtpEmailSender"), settings.provided.smtp, timeout=one_step
        ),
        console=providers.Singleton(ConsoleEmailSender),
        sandbox=providers.Singleton(
            configured("adapters.sandbox.senders", "SandboxEmailSender"), settings.provided.sandbox
        ),
    )
    sms_vendors: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            configured("adapters.twilio.sms", "TwilioSmsSender"),
            settings.provided.twilio,
            public_url=settings.provided.http.public_url,
            timeout=deadline,
        ),
        console=providers.Singleton(ConsoleSmsSender),
        sandbox=providers.Singleton(
            configured("adapters.sandbox.senders", "SandboxSmsSender"), settings.provided.sandbox
        ),
    )
    # SMTP has no such question, SES one only by the id we did not get; what the console showed, nobody wrote down.
    email_records: providers.Aggregate[Any] = providers.Aggregate(
        sandbox=providers.Singleton(SandboxSentMessages, record=settings.provided.sandbox.record)
    )
    sms_records: providers.Aggregate[Any] = providers.Aggregate(
        twilio=providers.Singleton(
            lazily("adapters.twilio.sent_messages", "TwilioSentMessages"),
            url=settings.provided.twilio.url,
            account_sid=settings.provided.twilio.account_sid,
            auth_token=settings.provided.twilio.auth_token.reveal.call(),
            timeout=settings.provided.resilience.deadline_seconds,
        ),
        sandbox=providers.Singleton(SandboxSentMessages, record=settings.provided.sandbox.record),
    )
    records = providers.Callable(
        askable, settings.provided.adapters, email=email_records.provider, sms=sms_records.provider
    )
    twilio_reports = providers.Singleton(
        lazily("adapters.twilio.status_reports", "TwilioReports"),
        public_url=settings.provided.http.public_url,
        auth_token=settings.provided.twilio.auth_token.reveal.call(),
    )
    vendor_policy = providers.Singleton(
        configured("adapters.resilience.policy", "ResiliencePolicy"), settings.provided.resilience
    )
    templates = providers.Singleton(lazily("adapters.jinja.templates", "JinjaTemplates"))
    outcome_lookup = providers.Factory(
        OutcomeLookup,
        records=records,
        templates=templates,
        deadline=providers.Callable(timedelta, seconds=settings.provided.resilience.deadline_seconds),
    )
    email = providers.Singleton(
        lazily("adapters.resilience.chain", "resilient"),
        channel=Channel.EMAIL,
        vendor=email_vendors.provider,
        names=settings.provided.adapters.email,
        policy=vendor_policy,
        clock=clock,
        journal=journal,
    )
    sms = providers.Singleton(
        lazily("adapters.resilience.chain", "resilient"),
        channel=Channel.SMS,
        vendor=sms_vendors.provider,
        names=settings.provided.adapters.sms,
        policy=vendor_policy,
        clock=clock,
        journal=journal,
    )
    lease = providers.Callable(long_enough, settings)
    absent_after = providers.Callable(timedelta, minutes=settings.provided.notifications.absent_after_minutes)
    person_after = providers.Callable(timedelta, hours=settings.provided.notifications.person_after_hours)
    vendor_probes = providers.Dict(
        ses=providers.Singleton(
            TcpProbe.url, "e-mail (ses)", settings.provided.ses.address, "correct ses.region or ses.url"
        ),
        smtp=providers.Singleton(
            TcpProbe, "e-mail (smtp)", settings.provided.smtp.host, settings.provided.smtp.port, "correct smtp.host"
        ),
        twilio=providers.Singleton(TcpProbe.url, "SMS (twilio)", settings.provided.twilio.url, "correct twilio.url"),
    )
