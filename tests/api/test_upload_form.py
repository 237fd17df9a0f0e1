"""A form with volumes, however its bytes are cut: strict, and never whole in memory."""

from __future__ import annotations

import pytest

from bedside.api.upload_form import MAX_TEXT, UploadForm
from bedside.errors import BedsideError, LimitExceeded, UsageError

TYPE = "multipart/form-data; boundary=b7f3"


class Kept:
    """Keeps what it takes, and how long the longest piece was."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.longest = 0
        self._open = b""

    def begin(self, name: str) -> None:
        assert name == f"{len(self.files) + 1:05d}"
        self._open = b""

    def add(self, data: bytes) -> None:
        self._open += data
        self.longest = max(self.longest, len(data))

    def end(self) -> None:
        self.files.append(self._open)


def part(name: str, data: bytes, more: str = "") -> bytes:
    head = f'--b7f3\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def read(body: bytes, step: int = 7) -> tuple[Kept, dict[str, str]]:
    kept = Kept()
    form = UploadForm(TYPE, ("subject", "modality"), kept)
    for start in range(0, len(body), step):
        form.take(body[start : start + step])
    return kept, form.texts()


WHOLE = (
    part("volume", b"first\r\n--b7f not the end", '; filename="a.nii"')
    + part("subject", "患者-1".encode())
    + part("volume", bytes(range(256)) * 10)
    + b"--b7f3--\r\n"
)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 100_000])
def test_files_and_texts_come_back_however_the_bytes_are_cut(step: int) -> None:
    kept, texts = read(WHOLE, step)
    assert kept.files == [b"first\r\n--b7f not the end", bytes(range(256)) * 10]
    assert texts == {"subject": "患者-1"}
    assert kept.longest <= max(step, 2560)


@pytest.mark.parametrize("step", [1, 5, 100_000])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (WHOLE[:-6], "its end is missing"),
        (WHOLE + b"more", "something follows its end"),
        (WHOLE + WHOLE, "something follows its end"),
        (part("other", b"x") + b"--b7f3--", "a part 'other'"),
        (part("subject", b"x") * 2 + b"--b7f3--", "stands twice"),
        (part("subject", b"") + b"--b7f3--", "is empty"),
        (part("subject", b"\xff") + b"--b7f3--", "not UTF-8"),
        (b"no form at all", "cannot be read"),
        (b"", "its end is missing"),
    ],
    ids=["cut", "behind", "two", "unknown", "twice", "empty", "bytes", "nothing", "none"],
)
def test_what_is_no_such_form_is_refused(body: bytes, words: str, step: int) -> None:
    with pytest.raises(UsageError, match=words):
        read(body, step)


def test_a_text_has_an_end() -> None:
    with pytest.raises(LimitExceeded, match="more than"):
        read(part("subject", b"x" * (MAX_TEXT + 1)) + b"--b7f3--")


@pytest.mark.parametrize("header", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_boundary_is_needed(header: str) -> None:
    with pytest.raises(BedsideError):
        UploadForm(header, (), Kept())
