"""IncrementalAlterConfigs (KIP-339): changes the named settings of topics, and resets no others."""

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

TOPIC, SET = 2, 0
"""Codes of the protocol: the kind of resource, and the operation that gives a setting a value."""


class IncrementalAlterConfigsResponseV0(Response):  # type: ignore[misc]  # aiokafka has no types
    """What became of each resource."""

    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class IncrementalAlterConfigsRequestV0(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """The first version, which every broker since 2.3 understands."""

    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = IncrementalAlterConfigsResponseV0
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(("name", String("utf-8")), ("config_operation", Int8), ("value", String("utf-8"))),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class IncrementalAlterConfigs(Request[IncrementalAlterConfigsRequestV0]):  # type: ignore[misc]  # aiokafka has no types
    """Gives settings of one topic new values; aiokafka has only the older request, which resets all others."""

    API_KEY = 44

    def __init__(self, topic: str, settings: Mapping[str, str]) -> None:
        self._topic, self._settings = topic, settings

    def build(self, request_struct_class: type[IncrementalAlterConfigsRequestV0]) -> Any:
        """Return the request."""
        configs = [(name, SET, value) for name, value in self._settings.items()]
        return request_struct_class([(TOPIC, self._topic, configs)], False)


async def change_settings(admin: AIOKafkaAdminClient, topic: str, settings: Mapping[str, str]) -> None:
    """Change settings of a topic; raise the `KafkaError` with which the broker refuses."""
    reply = await admin._send_request(IncrementalAlterConfigs(topic, settings))  # noqa: SLF001 - no public way
    for code, message, *_ in reply.responses:
        if code:
            raise for_code(code)(f"{topic}: {message}")
