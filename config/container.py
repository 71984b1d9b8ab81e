"""The composition root: the only place where a port meets an adapter."""

from dependency_injector import containers, providers

from adapters.console.senders import ConsoleEmailSender, ConsoleSmsSender
from adapters.resilience.chain import resilient
from adapters.sandbox.senders import SandboxEmailSender, SandboxSmsSender
from adapters.ses.email import SesEmailSender
from adapters.smtp.email import SmtpEmailSender
from adapters.system.clock import SystemClock
from adapters.twilio.sms import TwilioSmsSender
from config.settings import Settings
from core.notifications.journal import Journal


class Driven(containers.DeclarativeContainer):
    """The switchboard: for each port, every adapter that can stand behind it."""

    settings = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    journal = providers.Singleton(Journal)

    email_vendors = providers.Aggregate(
        ses=providers.Singleton(SesEmailSender, settings=settings.provided.ses),
        smtp=providers.Singleton(SmtpEmailSender, settings=settings.provided.smtp),
        console=providers.Singleton(ConsoleEmailSender),
        sandbox=providers.Singleton(SandboxEmailSender, settings=settings.provided.sandbox),
    )
    sms_vendors = providers.Aggregate(
        twilio=providers.Singleton(TwilioSmsSender, settings=settings.provided.twilio),
        console=providers.Singleton(ConsoleSmsSender),
        sandbox=providers.Singleton(SandboxSmsSender, settings=settings.provided.sandbox),
    )
    email = providers.Singleton(
        resilient,
        vendor=email_vendors.provider,
        names=settings.provided.adapters.email,
        policy=settings.provided.resilience,
        clock=clock,
        journal=journal,
    )
    sms = providers.Singleton(
        resilient,
        vendor=sms_vendors.provider,
        names=settings.provided.adapters.sms,
        policy=settings.provided.resilience,
        clock=clock,
        journal=journal,
    )
