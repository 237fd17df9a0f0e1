from __future__ import annotations

import random
import struct
import zipfile

import pytest

from bedside.errors import VolumeRefused
from bedside.imaging.files import files_of
from tests.imaging.made_volumes import patched, zipped

GIVEN = {"a/one": b"1" * 1000, "two": random.Random(5).randbytes(70_000), "none": b""}  # noqa: S311 - no secret
LIST = b"PK\x01\x02"
END = b"PK\x05\x06"


def read_all(data: bytes) -> dict[str, bytes]:
    return {file.name: file.read() for file in files_of([("x.zip", data)]).files}


def refused(data: bytes) -> VolumeRefused:
    with pytest.raises(VolumeRefused) as problem:
        read_all(data)
    assert problem.value.advice
    return problem.value


class TestASoundZip:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_gives_every_file_back(self, method: int) -> None:
        assert read_all(zipped(GIVEN, method)) == GIVEN

    def test_may_have_a_comment(self) -> None:
        data = zipped(GIVEN)
        place = data.rindex(END) + 20
        assert read_all(data[:place] + struct.pack("<H", 5) + b"hello") == GIVEN

    def test_names_are_never_paths(self) -> None:
        data = zipped({"../../etc/passwd": b"1", "/root": b"2"})
        assert read_all(data) == {"../../etc/passwd": b"1", "/root": b"2"}

    def test_folders_and_what_is_hidden_are_left_out(self) -> None:
        left_out = {
            "a/": b"",
            ".DS_Store": b"1",
            "a/._b": b"2",
            "__MACOSX/c": b"3",
            ".Trash/e": b"5",
        }
        assert read_all(zipped({**left_out, "./d": b"4"})) == {"./d": b"4"}


class TestRefused:
    def test_one_that_was_cut(self) -> None:
        data = zipped(GIVEN)
        for length in (4, 30, len(data) // 2, len(data) - 30, len(data) - 1):
            assert refused(data[:length]).code == "corrupt", length

    @pytest.mark.parametrize("data", [b"more", b"\0" * 30])
    def test_one_behind_which_something_follows(self, data: bytes) -> None:
        assert refused(zipped(GIVEN) + data).code == "corrupt"

    def test_one_with_something_between(self) -> None:
        data = zipped(GIVEN)
        end = data.rindex(END)
        assert "inside it" in refused(data[:end] + bytes(3) + data[end:]).message

    def test_one_with_something_in_front(self) -> None:
        assert refused(b"PK\x03\x04" + zipped(GIVEN)).code == "corrupt"

    def test_a_password(self) -> None:
        data = zipped(GIVEN)
        assert "password" in refused(patched(data, data.index(LIST) + 8, "<H", 1)).message

    def test_another_method(self) -> None:
        data = zipped(GIVEN)
        problem = refused(patched(data, data.index(LIST) + 10, "<H", 12))
        assert problem.code == "unsupported"

    @pytest.mark.parametrize("place", [20, 24])
    def test_zip64(self, place: int) -> None:
        data = zipped(GIVEN)
        assert "ZIP64" in refused(patched(data, data.index(LIST) + place, "<I", 2**32 - 1)).message

    def test_a_wrong_checksum(self) -> None:
        data = zipped(GIVEN)
        assert "checksum" in refused(patched(data, data.index(LIST) + 16, "<I", 5)).message

    @pytest.mark.parametrize("size", [999, 1001])
    def test_another_size_than_is_said(self, size: int) -> None:
        data = zipped(GIVEN)
        assert refused(patched(data, data.index(LIST) + 24, "<I", size)).code == "corrupt"

    def test_a_size_that_the_packed_bytes_cannot_have(self) -> None:
        data = zipped(GIVEN)
        problem = refused(patched(data, data.index(LIST) + 24, "<I", 2**28))
        assert "cannot hold" in problem.message

    def test_entries_that_share_bytes(self) -> None:
        data = zipped(GIVEN)
        second = data.index(LIST, data.index(LIST) + 4)
        assert "overlap" in refused(patched(data, second + 42, "<I", 0)).message

    def test_an_entry_that_reaches_into_the_list(self) -> None:
        data = zipped(GIVEN)
        assert refused(patched(data, data.index(LIST) + 20, "<I", len(data))).code == "corrupt"

    def test_an_entry_that_is_not_where_the_list_says(self) -> None:
        data = zipped({"a": b"12345678"}, zipfile.ZIP_STORED)
        assert "no entry" in refused(patched(data, data.index(LIST) + 42, "<I", 1)).message

    def test_a_part_of_several(self) -> None:
        data = zipped(GIVEN)
        assert refused(patched(data, data.rindex(END) + 4, "<H", 1)).code == "corrupt"

    def test_a_list_longer_than_its_entries(self) -> None:
        data = zipped(GIVEN)
        end = data.rindex(END)
        assert refused(patched(data, end + 8, "<2H", 2, 2)).code == "corrupt"

    def test_any_byte_that_is_changed_gives_the_same_files_or_a_refusal(self) -> None:
        data = zipped({"a": b"12345678" * 5, "b": b"1"})
        for place in range(4, len(data)):
            changed = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
            try:
                found = read_all(changed)
            except VolumeRefused:
                continue
            assert sorted(found.values()) in ([b"1", b"12345678" * 5], [b"1"], [b"12345678" * 5])
