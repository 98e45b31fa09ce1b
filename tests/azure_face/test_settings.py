"""Settings of Azure's recogniser that cannot work are refused before the start, each with one line."""

import sys

import pytest

from settings import Settings, UnsafeSettings, get_settings

ENDPOINT = "https://name.cognitiveservices.azure.com"
COMPLETE = {
    "SECRET_KEY": "x" * 40,
    "FACE_RECOGNIZER_PROVIDER": "azure",
    "AZURE_FACE_ENDPOINT": ENDPOINT,
    "AZURE_FACE_KEY": "a-secret-key",
}


def read(monkeypatch: pytest.MonkeyPatch, **changed: str) -> Settings:
    for name, value in {**COMPLETE, **changed}.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    try:
        return get_settings()
    finally:
        get_settings.cache_clear()


def test_complete_settings_are_taken_and_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, AZURE_FACE_ENDPOINT=f"{ENDPOINT}/", AZURE_FACE_KEY="a-secret-key\n")
    assert (found.azure_face_endpoint, found.azure_face_key) == (ENDPOINT, "a-secret-key")
    assert "a-secret-key" not in repr(found)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"AZURE_FACE_KEY": ""}, "AZURE_FACE_KEY is required"),
        ({"AZURE_FACE_KEY": "a-secret-key\nb"}, "AZURE_FACE_KEY has"),
        ({"AZURE_FACE_KEY": "a-secret-k€y"}, "AZURE_FACE_KEY has"),
        ({"AZURE_FACE_ENDPOINT": ""}, "AZURE_FACE_ENDPOINT is required"),
        ({"AZURE_FACE_ENDPOINT": "westeurope"}, "no address such as"),
        ({"AZURE_FACE_ENDPOINT": f"{ENDPOINT}/face/v1.0"}, "no address such as"),
        ({"AZURE_FACE_ENDPOINT": "https://name..azure.com"}, "no address such as"),
        ({"AZURE_FACE_ENDPOINT": "ftp://name.example"}, "no address such as"),
        ({"AZURE_FACE_ENDPOINT": "http://name.example"}, "unencrypted"),
        ({"AZURE_FACE_CALLS_PER_SECOND": "0"}, "AZURE_FACE_CALLS_PER_SECOND"),
        ({"FACE_RECOGNIZER_PROVIDER": "local", "AZURE_FACE_ENDPOINT": ""}, "AZURE_FACE_KEY needs"),
    ],
)
def test_each_mistake_is_one_line(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], reason: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        read(monkeypatch, **changed)
    told = str(refused.value)
    assert reason in told
    assert "\n" not in told
    assert "a-secret-k" not in told


def test_without_the_packages_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the import system does with a package that is not installed.
    for name in ("azure.cognitiveservices.vision", "azure.cognitiveservices.vision.face"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnsafeSettings, match=r"make run PROVIDER=azure.*requirements-azure\.txt"):
        read(monkeypatch)
