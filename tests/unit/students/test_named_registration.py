import pytest

from core.students.named_registration import NamedRegistration


@pytest.mark.parametrize(
    ("body", "is_named"),
    [
        (b'{"registration":"cAnArY-77/a"}', True),
        (b'{"registration":"  CANARY-77\\/A "}', True),
        ('{"registration":"Canary\\u002d77/\uff21"}'.encode(), True),
        (b'{"registration":"Canary-77/A","registration":"T-2"}', True),
        (b'[{"papers":[{"of":"CANARY-77/A"}]}]', True),
        (b'{"note":"the fee of canary-77/a, again"}', True),
        (b'{"registration":"CANARY-77/A","pap', True),
        (b"registration,papers\nCanary-77/a,041\n", True),
        (b"[" * 100_000 + b'"Canary-77/A"', True),
        (b'{"registration":"Canary-77/AB"}', False),
        (b'{"registration":"XCanary-77/A"}', False),
        (b'{"registration":77}', False),
        (b"\xff\xfe", False),
        (b"", False),
    ],
)
def test_a_registration_is_found_in_every_spelling(body: bytes, is_named: bool) -> None:
    assert NamedRegistration("Canary-77/A").is_in(body) is is_named


@pytest.mark.parametrize(
    ("body", "is_named"),
    [
        (b'{"registration":"41"}', True),
        (b'{"registration":41}', True),
        (b'{"of":" 41 "}', True),
        (b'{"registration":"4","papers":["041"],"note":"41 rupees","amount":41}', False),
        (b'{"registration":true}', False),
    ],
)
def test_a_short_registration_is_not_found_inside_other_texts(body: bytes, is_named: bool) -> None:
    assert NamedRegistration("41").is_in(body) is is_named
