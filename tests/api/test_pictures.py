from __future__ import annotations

import base64

import pytest

from bedside.api.pictures import Envelope, read_pictures
from bedside.api.requests import PredictRequest
from bedside.errors import BedsideError, LimitExceeded, UsageError
from bedside.site.settings import Limits

PNG = b"\x89PNG\r\n\x1a\n and so on"
JPEG = b"\xff\xd8\xff\xe0 and so on"
DICOM = bytes(128) + b"DICM and so on"
TEXT = base64.b64encode(PNG).decode()
FORM = "multipart/form-data; boundary=XX"


def alone(media_type: str, *query: tuple[str, str]) -> Envelope:
    return Envelope(media_type, media_type, query)


def form(**parts: bytes) -> bytes:
    told = b"".join(
        b'--XX\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), data)
        for name, data in parts.items()
    )
    return told + b"--XX--\r\n"


def read_form(data: bytes) -> PredictRequest:
    return read_pictures(data, Envelope("multipart/form-data", FORM, ()), Limits())


def test_every_form_ends_as_the_same_row() -> None:
    body = f'{{"input": {{"image": "{TEXT}", "view": "PA"}}, "explain": true}}'.encode()
    from_json = read_pictures(body, alone("application/json"), Limits())
    query = (("view", "PA"), ("explain", "true"))
    from_file = read_pictures(PNG, alone("image/png", *query), Limits())
    from_form = read_form(form(image=PNG, view=b"PA", explain=b"true"))
    assert from_json.rows == from_file.rows == from_form.rows
    assert (from_json.file, from_file.file, from_form.file) == (False, True, True)
    assert from_json.explain
    assert from_form.explain
    assert from_file.explain
    assert from_file.rows[0].input == {"image": TEXT, "view": "PA"}


def test_a_form_names_the_subject() -> None:
    asked = read_pictures(
        form(image=PNG, subject="患者-7".encode()),
        Envelope("multipart/form-data", FORM, ()),
        Limits(),
    )
    assert asked.rows[0].subject == "患者-7"
    assert not asked.explain


@pytest.mark.parametrize(
    ("media_type", "data"),
    [("image/png", PNG), ("image/jpeg", JPEG), ("application/dicom", DICOM)],
)
def test_a_file_is_read_as_what_it_is_declared_to_be(media_type: str, data: bytes) -> None:
    (row,) = read_pictures(data, alone(media_type), Limits()).rows
    assert base64.b64decode(row.input["image"]) == data


@pytest.mark.parametrize(
    ("media_type", "data", "said"),
    [
        ("image/png", JPEG, "declared to be image/png and is a JPEG file"),
        ("image/jpeg", DICOM, "declared to be image/jpeg and is a DICOM file"),
        ("application/dicom", PNG, "declared to be application/dicom and is a PNG file"),
    ],
)
def test_a_file_of_another_type_is_refused(media_type: str, data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_pictures(data, alone(media_type), Limits())


def test_what_no_type_knows_is_left_for_the_gate() -> None:
    (row,) = read_pictures(b"a text", alone("image/png"), Limits()).rows
    assert row.input == {"image": base64.b64encode(b"a text").decode()}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ([("subject", "p-7")], "A subject stands in the address"),
        ([("shoe", "42")], "'shoe' behind its"),
        ([("view", "PA"), ("view", "AP")], "'view' stands twice"),
        ([("view", "")], "'view' in the address is empty"),
        ([("explain", "yes")], "'explain' is 'yes'"),
    ],
)
def test_the_address_says_only_what_it_may(query: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        read_pictures(PNG, alone("image/png", *query), Limits())
    assert refused.value.advice


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data"])
def test_beside_json_or_a_form_the_address_says_nothing(media_type: str) -> None:
    envelope = Envelope(media_type, FORM, (("explain", "true"),))
    with pytest.raises(UsageError, match="'explain' behind its"):
        read_pictures(form(image=PNG), envelope, Limits())


@pytest.mark.parametrize(
    ("data", "said", "kind"),
    [
        (form(view=b"PA"), "no part 'image'", UsageError),
        (form(image=b""), "'image' is empty", UsageError),
        (form(image=PNG, view=b""), "'view' is empty", UsageError),
        (form(image=PNG, view=b"\xff"), "'view' is not UTF-8", UsageError),
        (form(image=PNG, view=b"x" * 1001), "more than 1000 bytes", LimitExceeded),
        (form(image=PNG, explain=b"1"), "'explain' is '1'", UsageError),
        (form(image=PNG, subject=b" "), "subject of 1 characters", UsageError),
        (b"", "The body is empty", UsageError),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(
    data: bytes, said: str, kind: type[BedsideError]
) -> None:
    with pytest.raises(kind, match=said):
        read_form(data)


@pytest.mark.parametrize(("said", "explain"), [(b"True", True), (b"FALSE", False)])
def test_a_form_may_say_true_as_python_does(said: bytes, explain: bool) -> None:
    asked = read_pictures(
        form(image=PNG, explain=said), Envelope("multipart/form-data", FORM, ()), Limits()
    )
    assert asked.explain is explain


@pytest.mark.parametrize("explain", ['"true"', "1", "null"])
def test_explain_is_true_or_false_and_nothing_else(explain: str) -> None:
    body = f'{{"input": {{}}, "explain": {explain}}}'.encode()
    with pytest.raises(UsageError, match="neither true nor false"):
        read_pictures(body, alone("application/json"), Limits())


def test_a_file_in_a_form_that_is_declared_must_be_what_it_is_declared_to_be() -> None:
    data = form(image=JPEG).replace(b'"image"', b'"image"\r\nContent-Type: image/png')
    with pytest.raises(UsageError, match="The part 'image' is declared to be image/png"):
        read_form(data)
