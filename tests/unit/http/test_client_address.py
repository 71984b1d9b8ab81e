"""The address that limits count by: what clients write into `X-Forwarded-For` changes nothing."""

import time

import pytest

from core.kernel.network import source_of
from entrypoints.http.middleware.client_address import ClientAddressMiddleware, client_address

PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "lines", "found"),
    [
        # one proxy: the last entry is its own
        (1, [b"203.0.113.7"], "203.0.113.7"),
        (1, [b"198.51.100.9, 203.0.113.7"], "203.0.113.7"),
        (1, [b"198.51.100.9,198.51.100.9,198.51.100.9,203.0.113.7"], "203.0.113.7"),
        # several lines are one list, in their order
        (1, [b"198.51.100.9", b"203.0.113.7"], "203.0.113.7"),
        (2, [b"198.51.100.9", b"203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (2, [b"198.51.100.9, 203.0.113.7", b"10.0.0.2"], "203.0.113.7"),
        # fewer entries than proxies: the request has passed by one
        (1, [], PROXY),
        (1, [b""], PROXY),
        (2, [b"203.0.113.7"], PROXY),
        (3, [b"198.51.100.9", b"203.0.113.7"], PROXY),
        # the forms in which proxies write
        (1, [b"203.0.113.7:49152"], "203.0.113.7"),
        (1, [b"\t 203.0.113.7  "], "203.0.113.7"),
        (1, [b"2001:DB8:0:0::7"], "2001:db8::7"),
        (1, [b"[2001:db8::7]"], "2001:db8::7"),
        (1, [b"[2001:db8::7]:49152"], "2001:db8::7"),
        (1, [b"::ffff:203.0.113.7"], "203.0.113.7"),
        (1, [b"[::ffff:cb00:7107]:80"], "203.0.113.7"),
        # what is no address, at the place of the trusted entry
        (1, [b"unknown"], PROXY),
        (1, [b"_hidden"], PROXY),
        (1, [b"203.0.113.7,"], PROXY),
        (1, [b"203.0.113.7, "], PROXY),
        (1, [b"203.0.113.256"], PROXY),
        (1, [b"203.0.113.07"], PROXY),
        (1, [b"203.0.113"], PROXY),
        (1, [b"3405803783"], PROXY),
        (1, [b"0xcb007107"], PROXY),
        (1, [b"203.0.113.7:port"], PROXY),
        (1, [b"203.0.113.7/32"], PROXY),
        (1, [b'"203.0.113.7"'], PROXY),
        (1, [b"for=203.0.113.7"], PROXY),
        (1, [b"203.0.113.7 198.51.100.9"], PROXY),
        (1, [b"fe80::1%eth0"], PROXY),
        (1, [b"[2001:db8::7"], PROXY),
        (1, [b"2001:db8::7]"], PROXY),
        (1, [b"[203.0.113.7]x"], PROXY),
        (1, [b"\xb2\xb3.0.113.7"], PROXY),
        (1, [b"203.0.113.7\x00"], PROXY),
        # garbage further left is the client's and of no interest
        (1, [b"unknown, ,,;;=, \xff, 203.0.113.7"], "203.0.113.7"),
    ],
)
async def test_the_address_is_counted_from_the_right(proxies: int, lines: list[bytes], found: str) -> None:
    seen = []

    async def app(scope: object, _receive: object, _send: object) -> None:
        seen.append(scope["client"][0])  # type: ignore[index]

    headers = [(b"host", b"office"), *((b"x-forwarded-for", line) for line in lines)]
    scope = {"type": "http", "headers": headers, "client": (PROXY, 4711)}
    await ClientAddressMiddleware(app, proxies)(scope, None, None)  # type: ignore[arg-type]

    assert seen == [found]


def test_a_long_list_costs_little() -> None:
    longest = b"," * 16_000 + b"1" * 16_000
    began = time.process_time()
    for _ in range(100):
        assert client_address(PROXY, [longest], 1) == PROXY
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("", "unknown"),
        ("office", "unknown"),
    ],
)
def test_a_subscriber_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
