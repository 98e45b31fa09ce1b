"""The network on a poster: what its code says, and what cannot be a network."""

import pytest

import errors
from posters.content import wifi_of


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("Salle", "bienvenue", "WIFI:T:WPA;S:Salle;P:bienvenue;;"),
        ("Ouvert", "", "WIFI:T:nopass;S:Ouvert;;"),
        ('a\\b;c,d:e"f', 'p;\\:,"23456', 'WIFI:T:WPA;S:a\\\\b\\;c\\,d\\:e\\"f;P:p\\;\\\\\\:\\,\\"23456;;'),
        ("Fête 🎉", "8 signes", "WIFI:T:WPA;S:Fête 🎉;P:8 signes;;"),
        ("n" * 32, "f" * 64, f"WIFI:T:WPA;S:{'n' * 32};P:{'f' * 64};;"),
    ],
)
def test_the_code_of_a_network(name: str, password: str, code: str) -> None:
    found = wifi_of(name, password)
    assert found is not None
    assert found.code() == code


def test_nothing_typed_is_no_network() -> None:
    assert wifi_of("", "") is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("", "bienvenue"),
        *((name, "") for name in ("n" * 33, "é" * 17, "a\nb", "a\0b", "\ud800")),
        *(("Salle", password) for password in ("court", "é" * 8, "x" * 64, "a\nbcdefgh")),
    ],
)
def test_what_cannot_be_a_network(name: str, password: str) -> None:
    with pytest.raises(errors.BadWifi):
        wifi_of(name, password)
