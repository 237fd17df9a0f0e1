import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import LimitExceeded, NotFound, PackageDamaged, UsageError
from bedside.package import archive
from bedside.package.archive import read_archive, read_file, write_archive

SMALL = {"signature.json": b"s", "model.onnx": b"weights", "manifest.json": b"{}", "a.txt": b""}

names = st.from_regex(archive.ENTRY_NAME, fullmatch=True)
entries = st.dictionaries(names, st.binary(max_size=60), min_size=1, max_size=8)


@given(entries)
def test_any_entries_come_back_as_they_were(given_entries: dict[str, bytes]) -> None:
    assert read_archive(write_archive(given_entries)) == given_entries


@given(entries)
def test_python_zipfile_reads_what_we_write(given_entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(write_archive(given_entries))) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == given_entries


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_reads_what_we_write(tmp_path: Path) -> None:
    (tmp_path / "small.bedside").write_bytes(write_archive(SMALL))
    subprocess.run(["unzip", "-q", "small.bedside"], cwd=tmp_path, check=True)
    (tmp_path / "small.bedside").unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == SMALL


def test_the_manifest_comes_first_then_the_signature_then_the_rest_by_name() -> None:
    found = list(read_archive(write_archive(SMALL)))
    assert found == ["manifest.json", "signature.json", "a.txt", "model.onnx"]


def test_the_order_of_a_dictionary_does_not_change_the_bytes() -> None:
    assert write_archive(SMALL) == write_archive(dict(reversed(SMALL.items())))


def test_the_bytes_of_an_archive_are_these_for_good() -> None:
    assert write_archive({"a.b": b"hi"}).hex() == (
        "504b03040a00000000000000210"
        "0ac2a93d802000000020000000300000061"
        "2e626869504b01020a030a00000000000000"
        "2100ac2a93d80200000002000000030000000000000000000000a4810000"
        "0000612e62504b0506000000000100010031000000230000000000"
    )


@given(entries, st.data())
def test_a_changed_byte_is_refused(given_entries: dict[str, bytes], data: st.DataObject) -> None:
    whole = bytearray(write_archive(given_entries))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PackageDamaged):
        read_archive(bytes(whole))


@given(entries, st.data())
def test_a_truncated_archive_is_refused(
    given_entries: dict[str, bytes], data: st.DataObject
) -> None:
    whole = write_archive(given_entries)
    with pytest.raises(PackageDamaged):
        read_archive(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(entries, st.binary(min_size=1, max_size=40), st.booleans())
def test_an_extended_archive_is_refused(
    given_entries: dict[str, bytes], more: bytes, in_front: bool
) -> None:
    whole = write_archive(given_entries)
    with pytest.raises(PackageDamaged):
        read_archive(more + whole if in_front else whole + more)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PackageDamaged):
        read_archive(data)


@given(
    st.lists(
        st.sampled_from(
            [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\0" * 9, b"\x0a\0", b"!\0", b"a.b"]
        ),
        max_size=20,
    )
)
def test_bytes_that_look_like_zip_are_refused_all_the_same(pieces: list[bytes]) -> None:
    with pytest.raises(PackageDamaged):
        read_archive(b"".join(pieces))


def zip_by_python(compression: int, **changes: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        info = zipfile.ZipInfo("manifest.json")
        info.compress_type = compression
        for name, value in changes.items():
            setattr(info, name, value)
        file.writestr(info, b"{}")
    return buffer.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(PackageDamaged) as caught:
        read_archive(data)
    return str(caught.value)


def test_a_compressed_entry_is_refused() -> None:
    assert "not stored plainly" in refusal(zip_by_python(zipfile.ZIP_DEFLATED))


def test_another_writer_of_the_same_entries_is_refused() -> None:
    assert "not stored plainly" in refusal(zip_by_python(zipfile.ZIP_STORED))


def test_another_spelling_of_the_directory_is_refused() -> None:
    whole = write_archive({"manifest.json": b"{}"})
    changed = whole.replace(b"\xa4\x81", b"\xed\x81")
    assert refusal(changed) == (
        "The archive differs from its only valid spelling near byte 45. Get the file again from "
        "where it was made; do not repack it."
    )


def test_bytes_after_the_end_are_named() -> None:
    assert refusal(write_archive(SMALL) + b"xyz") == "3 stray bytes follow the archive's end."


def test_something_else_than_a_package_is_named() -> None:
    assert "it begins with b'\\x89PNG', not with" in refusal(b"\x89PNG\r\n")


def test_a_wrong_checksum_names_the_entry() -> None:
    whole = write_archive(SMALL).replace(b"weights", b"weighty")
    assert refusal(whole) == "The bytes of 'model.onnx' do not match its checksum."


def test_an_entry_that_is_longer_than_the_file_is_refused_before_memory_is_taken() -> None:
    whole = bytearray(write_archive({"a.b": b"hi"}))
    whole[18:26] = b"\xff\xff\xff\xff" * 2
    assert "should have 4294967295 bytes; the file ends after" in refusal(bytes(whole))


def test_an_entry_that_stands_twice_is_refused() -> None:
    one = write_archive({"a.b": b"hi"})
    entry = one[: one.index(b"PK\x01\x02")]
    assert refusal(entry + one) == "The entry 'a.b' stands twice."


def test_entries_in_another_order_are_refused() -> None:
    first, second = write_archive({"a.b": b"1"}), write_archive({"b.b": b"2"})
    cut = first.index(b"PK\x01\x02")
    assert refusal(second[:cut] + first[:cut]).startswith("The entries stand in a wrong order: b.b")


def test_a_name_with_a_folder_is_refused() -> None:
    assert "'../a' at byte 30 is not allowed" in refusal(
        write_archive({"bb.a": b"hi"}).replace(b"bb.a", b"../a")
    )


def test_too_many_entries_are_refused() -> None:
    many = {f"{number}.b": b"" for number in range(archive.MAX_ENTRIES + 1)}
    with pytest.raises(LimitExceeded, match=r"65 entries; an archive holds at most 64\."):
        write_archive(many)
    one = write_archive({"a.b": b""})
    entry = one[: one.index(b"PK\x01\x02")]
    crowd = b"".join(entry.replace(b"a.b", f"{n:02}.b"[-3:].encode()) for n in range(100))
    assert refusal(crowd).startswith(("More than 64", "The entry"))


@pytest.mark.parametrize(
    "name", ["", "a", ".b", "A.b", "a.b\n", "a/b.c", "a..b", "é.b", "a" * 62 + ".b", "-a.b"]
)
def test_a_name_that_the_format_does_not_allow_is_not_written(name: str) -> None:
    with pytest.raises(UsageError, match="is not an entry name"):
        write_archive({name: b""})


def test_an_archive_of_nothing_is_not_written() -> None:
    with pytest.raises(UsageError, match="at least one entry"):
        write_archive({})


def test_sizes_are_bounded_before_memory_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = write_archive(SMALL)
    (tmp_path / "big.bedside").write_bytes(whole)
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", len(whole) - 1)
    with pytest.raises(LimitExceeded, match="The archive would have"):
        write_archive(SMALL)
    assert refusal(whole).startswith(f"The file has {len(whole)} bytes; at most {len(whole) - 1}.")
    with pytest.raises(PackageDamaged, match=r"'big\.bedside' has \d+ bytes; at most"):
        read_file(tmp_path / "big.bedside")


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.bedside").write_bytes(b"whole")
    assert read_file(tmp_path / "a.bedside") == b"whole"


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.bedside' does not exist"):
        read_file(tmp_path / "none.bedside")
    with pytest.raises(UsageError, match="is not a file"):
        read_file(tmp_path)
