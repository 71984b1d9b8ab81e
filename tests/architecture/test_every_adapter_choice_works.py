import inspect
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from dependency_injector import providers

import config
from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.messaging.outbox import MemoryOutbox
from adapters.system.clock import SystemClock, TimeOrderedIds
from config.container import Application, running
from config.container.gateways import Gateways
from config.container.vendors import Vendors
from config.sections.http import Http
from config.sections.identity import OpenIdProvider
from config.sections.section import Secret
from config.sections.servers import SQLite
from config.settings import Adapters, Settings
from config.settings_file import load
from core.kernel.signals import Signals
from core.notifications.attempt_log import AttemptLog
from core.use_cases import UseCases

HINTS = get_type_hints(Adapters)
CONTAINERS = {name: each for name, each in Application.providers.items() if isinstance(each, providers.Container)}
SELECTORS = {
    (attribute, name): each
    for attribute, container in CONTAINERS.items()
    for name, each in container.container.providers.items()
    if isinstance(each, providers.Selector)
}
VENDORS = {"email": Vendors.email_vendors, "sms": Vendors.sms_vendors, "payments": Gateways.gateway_vendors}
USE_CASES = [name for name, each in vars(UseCases).items() if isinstance(each, cached_property)]


def words(switch: str) -> set[str]:
    """Return the words of an adapter setting."""
    hint = HINTS[switch]
    return set(get_args(get_args(hint)[0] if get_origin(hint) is tuple else hint))


def is_list(switch: str) -> bool:
    return get_origin(HINTS[switch]) is tuple


SWITCHES = [switch for switch in HINTS if not switch.startswith("_")]
POSITIONS = [(switch, word) for switch in SWITCHES for word in sorted(words(switch))]


def with_adapter(switch: str, word: str) -> Adapters:
    """Return the default adapters with one setting changed."""
    return Adapters(**{switch: (word,) if is_list(switch) else word})


def switch_of(selector: providers.Selector[Any]) -> str:
    """Return the only setting that a selector depends on."""
    moved = set()
    for switch in SWITCHES:
        if is_list(switch):
            continue
        for word in words(switch):
            try:
                chosen = str(getattr(with_adapter(switch, word), switch))
            except TypeError:
                continue
            if chosen in selector.providers and words(switch) == set(selector.providers):
                moved.add(switch)
    assert len(moved) == 1, moved
    return moved.pop()


def test_every_selector_has_a_position_for_each_word_of_its_switch() -> None:
    for name, selector in SELECTORS.items():
        assert switch_of(selector) in SWITCHES, name


@pytest.mark.parametrize("switch", VENDORS)
def test_every_vendor_that_can_be_named_can_be_made(switch: str) -> None:
    assert words(switch) == set(VENDORS[switch].providers)


def test_every_gateway_has_webhooks() -> None:
    assert Gateways.gateway_webhooks.providers.keys() == Gateways.gateway_vendors.providers.keys()


def test_every_adapter_setting_changes_a_provider() -> None:
    moving = {switch_of(selector) for selector in SELECTORS.values()} | VENDORS.keys()

    named = {"persistence", "commits", "events", "email", "sms", "payments", "cache", "audit_anchors", "registry"}
    assert moving == set(SWITCHES) == named


def test_a_selector_with_another_set_of_words_is_found() -> None:
    with pytest.raises(AssertionError):
        switch_of(providers.Selector("x", kafka=providers.Object(1)))


def test_providers_shared_by_several_containers_are_one_singleton() -> None:
    found = [each.provides for each in Application(settings=Settings()).traverse([providers.Singleton])]

    for shared in (
        SystemClock,
        TimeOrderedIds,
        Signals,
        AttemptLog,
        MemoryDatabase,
        MsgspecScheduleFormat,
        MemoryOutbox,
    ):
        assert found.count(shared) == 1


@pytest.mark.parametrize(("switch", "word"), POSITIONS)
async def test_every_use_case_and_every_port_can_be_built_in(switch: str, word: str, tmp_path: Path) -> None:
    settings = Settings(adapters=with_adapter(switch, word), sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    await build(settings)


@pytest.mark.parametrize("path", sorted(Path(config.__file__).parent.glob("*.toml")), ids=lambda path: path.stem)
async def test_every_shipped_configuration_can_be_built(path: Path, tmp_path: Path) -> None:
    await build(msgspec.structs.replace(load(path, {}), sqlite=SQLite(path=str(tmp_path / "bursar.db"))))


async def test_identity_providers_can_be_built() -> None:
    google = OpenIdProvider(client_id="bursar", client_secret=Secret("x"))
    other = OpenIdProvider(issuer="https://sso.example.org", client_id="bursar", client_secret=Secret("x"))
    await build(
        Settings(
            adapters=Adapters(persistence="memory"),
            http=Http(public_url="https://fees.example.org"),
            oidc={"google": google, "keycloak": other},
        )
    )


async def test_vendors_that_take_over_from_each_other_can_be_built() -> None:
    for switch in VENDORS:
        await build(Settings(adapters=Adapters(**{"persistence": "memory", switch: tuple(sorted(words(switch)))})))


async def build(settings: Settings) -> None:
    """Create every use case and every provider of an adapter."""
    async with running(Application(settings=settings)) as application:
        for context in USE_CASES:
            collection = getattr(application.use_cases(), context)
            assert all(getattr(collection, field.name) for field in fields(collection))
        for attribute, name in SELECTORS:
            made = getattr(getattr(application, attribute), name)()
            assert made is not None
            if inspect.iscoroutine(made):
                made.close()
        assert application.probes() is not None
        for probes in (application.vendors.vendor_probes, application.gateways.gateway_probes):
            assert all(probes(name).remedy for name in probes.providers)
        gateways = application.gateways
        assert {*gateways.gateways()} == {*gateways.webhooks()} == {*settings.adapters.payments}
