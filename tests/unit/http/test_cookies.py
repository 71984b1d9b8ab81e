"""Cookies of this host, and the guard of requests that they authenticate."""

from http.cookies import SimpleCookie

import pytest

from core.kernel.errors import Forbidden
from entrypoints.http.cookies import HostCookie, check_csrf, csrf_token

COOKIE = HostCookie("session", 600)


def test_a_cookie_is_bound_to_its_host_and_hidden_from_scripts() -> None:
    [(name, morsel)] = SimpleCookie(COOKIE.set("value").to_header(header="")).items()

    assert (name, morsel.value) == ("__Host-session", "value")
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "strict")
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/", "", "600")
    assert SimpleCookie(COOKIE.clear().to_header(header=""))["__Host-session"]["max-age"] == "0"


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ([b"a=b; __Host-session=v1=; c=d"], "v1="),
        ([b"a=b", b"__Host-session=v1"], "v1"),
        ([b"session=v1; __host-session=v1; x__Host-session=v1"], None),
        ([b"__Host-session=mine; __Host-session=of another"], None),
        ([b"__Host-session=mine", b"__Host-session=of another"], None),
        ([b";;=;", b"\xff\xfe"], None),
        ([], None),
    ],
)
def test_a_cookie_that_is_there_twice_is_none(sent: list[bytes], value: str | None) -> None:
    assert COOKIE.read([(b"host", b"x"), *((b"cookie", each) for each in sent)]) == value


@pytest.mark.parametrize("page", [{}, {"sec-fetch-site": "same-origin"}])
def test_a_page_of_this_host_may_change_something(page: dict[str, str]) -> None:
    check_csrf(page | {"X-CSRF-Token": csrf_token("A")}, "A")


@pytest.mark.parametrize(
    "changes",
    [
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "A"},
        {"X-CSRF-Token": csrf_token("B")},
        {"X-CSRF-Token": "\xff\u20ac"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_what_another_page_can_cause_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_csrf({"X-CSRF-Token": csrf_token("A")} | changes, "A")
