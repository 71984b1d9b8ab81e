"""Cookies of this host, and the guard of requests that they authenticate."""

from http.cookies import SimpleCookie

import pytest

from core.kernel.errors import Forbidden
from entrypoints.http.cookies import CsrfGuard, HostCookie

COOKIE = HostCookie("session", 600)
GUARD = CsrfGuard(b"s" * 32, "https://Fees.example.org:443/office")
OF_A_PAGE = {
    b"origin": b"https://fees.example.org",
    b"sec-fetch-site": b"same-origin",
    b"x-csrf-token": GUARD.token("A").encode(),
}


def test_a_cookie_is_bound_to_its_host_and_hidden_from_scripts() -> None:
    [(name, morsel)] = SimpleCookie(COOKIE.set("value")).items()

    assert (name, morsel.value) == ("__Host-session", "value")
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Strict")
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/", "", "600")
    assert SimpleCookie(COOKIE.clear())["__Host-session"]["max-age"] == "0"


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


def test_a_page_of_this_host_may_change_something() -> None:
    GUARD.check("POST", OF_A_PAGE, "A")
    GUARD.check("DELETE", {name: value for name, value in OF_A_PAGE.items() if name != b"sec-fetch-site"}, "A")
    GUARD.check("GET", {b"sec-fetch-site": b"cross-site"}, "A")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "TRACE"])
@pytest.mark.parametrize(
    "changes",
    [
        {b"x-csrf-token": b""},
        {b"x-csrf-token": GUARD.token("B").encode()},
        {b"x-csrf-token": CsrfGuard(b"t" * 32, GUARD.public_url).token("A").encode()},
        {b"x-csrf-token": b"\xff\x00"},
        {b"sec-fetch-site": b"cross-site"},
        {b"sec-fetch-site": b"same-site"},
        {b"sec-fetch-site": b"none"},
        {b"origin": b"https://evil.example"},
        {b"origin": b"https://fees.example.org.evil.example"},
        {b"origin": b"http://fees.example.org"},
        {b"origin": b"https://fees.example.org:8443"},
        {b"origin": b"null"},
        {b"origin": b""},
    ],
)
def test_what_another_page_can_cause_is_refused(method: str, changes: dict[bytes, bytes]) -> None:
    with pytest.raises(Forbidden):
        GUARD.check(method, OF_A_PAGE | changes, "A")


def test_the_token_of_one_session_is_no_token_of_another() -> None:
    assert len({GUARD.token(session) for session in ("", "A", "B", "csrf A")}) == 4
