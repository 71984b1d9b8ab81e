"""Builds the payment gateways that the settings name, each behind its limits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dependency_injector import containers, providers

from adapters.sandbox.payment_book import PaymentBook
from config.container.process import Process
from config.container.providers import configured, given, lazy_imports
from config.sections.gateways import Razorpay, Stripe
from config.settings import Settings
from core.payments.gateway import GatewayWebhooks, PaymentGateway
from core.payments.pay_exam_fee import GatewayChoice
from core.payments.payer import Payer

with lazy_imports():
    from adapters.razorpay.gateway import RazorpayGateway
    from adapters.razorpay.probe import RazorpayProbe
    from adapters.razorpay.webhooks import RazorpayWebhooks
    from adapters.resilience.gateway import ResilientGateway
    from adapters.resilience.policy import ResiliencePolicy
    from adapters.sandbox.gateway import SandboxGateway
    from adapters.sandbox.payer import SandboxPayer
    from adapters.sandbox.webhooks import SandboxWebhooks
    from adapters.stripe.gateway import StripeGateway
    from adapters.stripe.probe import StripeProbe
    from adapters.stripe.webhooks import StripeWebhooks


def secrets_of(section: Stripe | Razorpay) -> Sequence[str]:
    """Return the secrets with which a gateway may sign."""
    return [secret.reveal() for secret in (section.webhook_secret, section.secondary_webhook_secret)]


def resilient_gateways(
    names: Sequence[str], gateway: Callable[[str], PaymentGateway], policy: ResiliencePolicy
) -> Mapping[str, PaymentGateway]:
    """Return each named gateway behind its limits."""
    return {name: ResilientGateway(name, gateway(name), policy) for name in names}


def named_webhooks(names: Sequence[str], webhooks: Callable[[str], GatewayWebhooks]) -> Mapping[str, GatewayWebhooks]:
    """Return the webhooks of each named gateway."""
    return {name: webhooks(name) for name in names}


def payer_if_named(names: Sequence[str], payer: Callable[[], Payer]) -> Payer | None:
    """Return who pays at the simulated gateway, None where the settings do not name it."""
    return payer() if "sandbox" in names else None


def choice_of(settings: Settings) -> GatewayChoice:
    """Return which gateway opens an order."""
    names = settings.adapters.payments
    return GatewayChoice(default=names[0] if names else None, by_currency=settings.payments.gateway_by_currency)


class Gateways(containers.DeclarativeContainer):
    """Every gateway that the settings can name, and the resilience chain in front of the named ones."""

    process = given(Process)
    settings, clock = process.settings.provided, process.clock
    names, deadline = settings.adapters.payments, settings.resilience.deadline_seconds

    book = providers.Singleton(PaymentBook, settings.sandbox.book_path)
    sandbox_webhooks = providers.Singleton(
        SandboxWebhooks,
        book,
        webhook_secret=settings.sandbox.webhook_secret.reveal.call(),
        secondary_webhook_secret=settings.sandbox.secondary_webhook_secret.reveal.call(),
    )
    payer = providers.Callable(
        payer_if_named, names, providers.Singleton(SandboxPayer, book, sandbox_webhooks, clock).provider
    )
    gateway_vendors: providers.Aggregate[Any] = providers.Aggregate(
        stripe=providers.Singleton(
            StripeGateway,
            url=settings.stripe.url,
            secret_key=settings.stripe.secret_key.reveal.call(),
            timeout=deadline,
        ),
        razorpay=providers.Singleton(
            RazorpayGateway,
            url=settings.razorpay.url,
            key_id=settings.razorpay.key_id,
            key_secret=settings.razorpay.key_secret.reveal.call(),
            timeout=deadline,
        ),
        sandbox=providers.Singleton(SandboxGateway, book, clock, settings.http.public_url),
    )
    gateway_webhooks: providers.Aggregate[Any] = providers.Aggregate(
        stripe=providers.Singleton(StripeWebhooks, webhook_secrets=providers.Callable(secrets_of, settings.stripe)),
        razorpay=providers.Singleton(
            RazorpayWebhooks, webhook_secrets=providers.Callable(secrets_of, settings.razorpay)
        ),
        sandbox=sandbox_webhooks,
    )
    policy = providers.Singleton(configured(ResiliencePolicy), settings.resilience)
    gateways = providers.Singleton(resilient_gateways, names, gateway_vendors.provider, policy)
    webhooks = providers.Singleton(named_webhooks, names, gateway_webhooks.provider)
    choice = providers.Singleton(choice_of, process.settings)
    gateway_probes: providers.Aggregate[Any] = providers.Aggregate(
        stripe=providers.Singleton(
            StripeProbe, url=settings.stripe.url, secret_key=settings.stripe.secret_key.reveal.call()
        ),
        razorpay=providers.Singleton(
            RazorpayProbe,
            url=settings.razorpay.url,
            key_id=settings.razorpay.key_id,
            key_secret=settings.razorpay.key_secret.reveal.call(),
        ),
    )
