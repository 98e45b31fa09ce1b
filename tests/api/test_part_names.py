"""The names of a form's parts are read however a client writes them, in time that grows with their length alone."""

import base64

import pytest

from api import part_names
from testkit.processor import least_seconds


def word(text: str, charset: str = "utf-8") -> bytes:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?=".encode()


FILENAMES = {
    b'filename="a.jpg"': "a.jpg",
    b"FileName=plain name.jpg": "plain name.jpg",
    'filename="Été.jpg"'.encode(): "Été.jpg",
    'filename="Été.jpg"'.encode("latin-1"): "Été.jpg",
    b'filename="a\\"b;c.jpg"': 'a"b;c.jpg',
    b'filename="a"b.jpg"': 'a"b.jpg',
    b'filename="unclosed.jpg': "unclosed.jpg",
    b'filename=""': "",
    b"filename*=": "",
    # RFC 8187, alone or beside the other.
    b"filename*=UTF-8''%E2%82%AC%20a.jpg": "€ a.jpg",
    b"filename*=iso-8859-1'en'%A3.jpg": "£.jpg",
    b"filename*=\"UTF-8''a%20b.jpg\"": "a b.jpg",
    b"filename=\"plain.jpg\"; filename*=utf-8''%C3%A9.jpg": "é.jpg",
    b"filename*=utf-8''%C3%A9.jpg; filename=plain.jpg": "é.jpg",
    b"filename*0*=utf-8''%C3%A9; filename*1=\"t.jpg\"": "ét.jpg",
    # Broken: the other name, or what can be read.
    b"filename=\"plain.jpg\"; filename*=UTF-8''%E9%ZZ.jpg": "plain.jpg",
    b"filename=\"plain.jpg\"; filename*=zip_codec''a.jpg": "plain.jpg",
    b"filename*=UTF-8''%E9t%ZZ.jpg": "ét%ZZ.jpg",
    b"filename*=no-quotes.jpg": "no-quotes.jpg",
    # RFC 2047, as .NET sends it.
    b'filename="' + word("Été.jpg") + b'"': "Été.jpg",
    b"filename=" + word("Été.jpg"): "Été.jpg",
    b'filename="' + word("Ét", "iso-8859-1") + b" " + word("é.jpg") + b'"': "Été.jpg",
    b'filename="=?utf-8?Q?=C3=89t=C3=A9_1.jpg?="': "Été 1.jpg",
    b'filename="=?utf-8?Q?=C3?= =?utf-8?Q?=89.jpg?="': "É.jpg",
    b'filename="=?utf-16?B?AAA?="': "=?utf-16?B?AAA?=",
    b'filename="=?utf-8?B?!?="': "",
}


@pytest.mark.parametrize("written", FILENAMES)
def test_a_file_name_is_read(written: bytes) -> None:
    found = part_names.read(b'form-data; name="files"; ' + written)
    assert found == part_names.PartName("files", FILENAMES[written])


def test_a_field_has_no_file_name_and_a_part_may_have_no_name() -> None:
    assert part_names.read(b'form-data; name="event_code"') == part_names.PartName("event_code", None)
    assert part_names.read(b"form-data; filename=a.jpg").field is None


def test_long_nonsense_takes_no_long_time() -> None:
    begin = b'form-data; name="f"; filename="'
    nonsense = (b'\\"', b"=?u?q?", b';a="', b"?= ", b"=?utf-8?q?a?= ", b"%", b"'")

    def read() -> None:
        for each in nonsense:
            part_names.read(begin + each * (64_000 // len(each)))

    assert least_seconds(read, enough=1) < 1
