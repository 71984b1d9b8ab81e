"""Builds the payment gateways that the settings name."""

from dependency_injector import containers, providers

from config.container.process import Process
from config.container.providers import given
from core.payments.pay_exam_fee import GatewayChoice


class Gateways(containers.DeclarativeContainer):
    """Gateways by name."""

    process = given(Process)
    gateways = providers.Dict()
    webhooks = providers.Dict()
    choice = providers.Singleton(GatewayChoice, default="sandbox", by_currency=providers.Dict())
