from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.api.multipart import Part, read_parts
from bedside.errors import LimitExceeded, UsageError

KNOWN = ("image", "view", "subject")
TYPE = "multipart/form-data; boundary=XX"
NAMED = b'Content-Disposition: form-data; name="%b"\r\n\r\n'


def form(*parts: bytes, end: bytes = b"--XX--\r\n") -> bytes:
    return b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + end


def part(name: bytes, data: bytes) -> bytes:
    return NAMED % name + data


def test_parts_come_by_name_with_their_bytes_and_type() -> None:
    image = (
        b'content-disposition: form-data; name="image"; filename="Taro Yamada.png"\r\n'
        b"Content-Type: IMAGE/PNG; charset=x\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89\r\n--X"
    )
    assert read_parts(form(image, part(b"view", b"PA")), TYPE, KNOWN) == {
        "image": Part(b"\x89\r\n--X", "image/png"),
        "view": Part(b"PA", ""),
    }


def test_a_quoted_boundary_is_one_too() -> None:
    assert read_parts(form(part(b"view", b"")), 'multipart/form-data; boundary="XX"', KNOWN)


TWICE = b'Content-Disposition: form-data; name="view"\r\n'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "its end is missing"),
        (b"nothing", "Expected boundary"),
        (form(part(b"view", b"PA"), end=b""), "its end is missing"),
        (form(part(b"view", b"PA"), end=b"--XX--\r\nmore"), "something follows its end"),
        (form(part(b"view", b"PA")) + form(part(b"image", b"x")), "something follows its end"),
        (form(part(b"view", b"PA"), end=b"--XX--junk--XX--"), "something follows its end"),
        (form(TWICE[:-2] + b'; name="image"\r\n\r\nPA'), "several names"),
        (form(TWICE[:-2] + b"; name*=utf-8''image\r\n\r\nPA"), "several names"),
        (form(b"Content-Disposition: form-data; NAME*0*=utf-8''view\r\n\r\nPA"), "extended form"),
        (form(part(b"view", b"PA"), part(b"view", b"AP")), "'view' stands twice"),
        (form(part(b"shoe", b"42")), "a part 'shoe'"),
        (form(b"Content-Type: text/plain\r\n\r\nPA"), "has no name"),
        (form(b'Content-Disposition: attachment; name="view"\r\n\r\nPA'), "has no name"),
        (form(TWICE + TWICE + b"\r\nPA"), "one header twice"),
        (
            form(TWICE + b"Content-Transfer-Encoding: base64\r\n\r\nUEE="),
            "transfer encoding 'base64'",
        ),
        (form(TWICE + b"X: " + b"y" * 5000 + b"\r\n\r\nPA"), "Maximum header size"),
        (form(TWICE + b"".join(b"X%d: y\r\n" % n for n in range(9)) + b"\r\nPA"), "header count"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        read_parts(data, TYPE, KNOWN)
    assert refused.value.advice


@pytest.mark.parametrize("end", [b"--XX--", b"--XX-- \t\r\n", b"--XX--\r\n\r\n"])
def test_blanks_behind_the_end_are_nothing(end: bytes) -> None:
    assert read_parts(form(part(b"view", b"PA"), end=end), TYPE, KNOWN)["view"].data == b"PA"


@pytest.mark.parametrize("file", [b"a; name=b.png", b'a\\"; name=\\"b.png', b"filename=name.png"])
def test_a_file_may_be_named_as_it_likes(file: bytes) -> None:
    data = b'Content-Disposition: form-data; name="view"; filename="%b"\r\n\r\nPA' % file
    assert read_parts(form(data), TYPE, KNOWN)["view"].data == b"PA"


def test_more_parts_than_there_are_names_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="more than 3 parts"):
        read_parts(
            form(*(part(name, b"") for name in (b"image", b"view", b"subject", b"view"))),
            TYPE,
            KNOWN,
        )


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 71}",
        "multipart/form-data; boundary=XX; boundary=YY",
    ],
)
def test_a_boundary_that_cannot_be_is_refused(content_type: str) -> None:
    with pytest.raises(UsageError, match="no boundary"):
        read_parts(form(part(b"view", b"PA")), content_type, KNOWN)


@given(st.binary(max_size=300).map(lambda noise: noise.replace(b"\r\n--XX", b"")))
def test_any_bytes_come_through_unchanged(data: bytes) -> None:
    assert read_parts(form(part(b"image", data)), TYPE, KNOWN)["image"].data == data


PIECES = [
    b"--XX",
    b"--",
    b"\r\n",
    b"\n",
    b'Content-Disposition: form-data; name="view"',
    b":",
    b"x",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=30).map(b"".join))
def test_anything_sent_is_a_form_or_refused_with_a_reason(data: bytes) -> None:
    with suppress(UsageError, LimitExceeded):
        read_parts(data, TYPE, KNOWN)
