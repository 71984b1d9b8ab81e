"""`DirectCall` does what its handlers ask of Litestar; what it does not do, they must not ask for."""

from typing import Any

from entrypoints.contexts import http_handlers
from entrypoints.http.app import routed
from entrypoints.http.middleware.direct_call import DirectCall


def called_directly() -> list[Any]:
    """Return the handlers that `DirectCall` calls."""
    handlers = (handler for route in routed(http_handlers()).routes for handler in getattr(route, "route_handlers", ()))
    return [each for each in handlers if DirectCall in (each.middleware or ())]


def test_handlers_that_are_called_directly_have_nothing_else_around_them() -> None:
    assert {each.operation_id for each in called_directly()} == {"submitExamFee", "showExamFee"}
    for handler in called_directly():
        assert handler.resolve_before_request(), "called for each request"
        assert not handler.resolve_guards()
        assert not any(layer.after_request for layer in handler.ownership_layers)
        assert not handler.resolve_after_response()
        assert not handler.background


def test_handlers_that_are_called_directly_take_the_request_names_of_the_path_and_a_body() -> None:
    taken = {each.operation_id: set(each.parsed_fn_signature.parameters) for each in called_directly()}

    assert taken == {"submitExamFee": {"request", "data"}, "showExamFee": {"request", "name"}}
