from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import PackageDamaged, PackageRefused, SignatureRefused, UsageError
from bedside.keys.signing import SigningKey
from bedside.package.archive import read_archive, write_archive
from bedside.package.golden import write_golden
from bedside.package.manifest import Golden, write_manifest
from bedside.package.package import (
    build_package,
    check_signature,
    describe_entries,
    open_package,
    sign_package,
)
from tests.package.building import Recipe, golden_cases

KEY, STRANGER = SigningKey.new(), SigningKey.new()
ARCHIVE = Recipe().archive(KEY)
UNSIGNED = Recipe().archive()


def open_and_check(data: bytes) -> None:
    check_signature(open_package(data), [KEY.public])


def refusal(act: Callable[[], object], kind: type[PackageRefused] = PackageDamaged) -> str:
    with pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    return str(caught.value)


def test_a_built_package_opens_as_what_it_was() -> None:
    package = open_package(ARCHIVE)
    assert package.manifest == Recipe().manifest()
    assert package.entries == Recipe().entries()
    assert package.golden == golden_cases()
    assert package.manifest.ref == "small-tumour@1.2.3"
    assert check_signature(package, [STRANGER.public, KEY.public]) == KEY.public


def test_the_same_parts_give_the_same_bytes() -> None:
    assert Recipe().archive(KEY) == ARCHIVE


def test_a_package_opens_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "small.bedside").write_bytes(ARCHIVE)
    assert open_package(tmp_path / "small.bedside") == open_package(ARCHIVE)


def test_the_digest_is_the_manifests_and_not_the_signatures() -> None:
    assert open_package(UNSIGNED).digest == open_package(ARCHIVE).digest


def test_signing_later_gives_the_same_bytes() -> None:
    assert sign_package(UNSIGNED, KEY) == ARCHIVE
    assert sign_package(sign_package(UNSIGNED, STRANGER), KEY) == ARCHIVE


def test_flipping_any_byte_of_a_signed_package_is_noticed() -> None:
    whole = bytearray(ARCHIVE)
    open_and_check(bytes(whole))
    for position, byte in enumerate(ARCHIVE):
        for mask in (0xFF, *(1 << bit for bit in range(8))):
            whole[position] = byte ^ mask
            with pytest.raises(PackageRefused):
                open_and_check(bytes(whole))
        whole[position] = byte
    open_and_check(bytes(whole))


@pytest.mark.parametrize("name", list(read_archive(ARCHIVE)))
def test_flipping_any_byte_of_an_entry_is_noticed_though_the_archive_is_made_anew(
    name: str,
) -> None:
    parts = read_archive(ARCHIVE)
    content = parts[name]
    step = max(1, len(content) // 400)
    for position in range(0, len(content), step):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        with pytest.raises(PackageRefused):
            open_and_check(write_archive({**parts, name: bytes(changed)}))


@settings(max_examples=200)
@given(st.data())
def test_any_mutated_package_is_refused_as_a_package(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(ARCHIVE)))
    stop = data.draw(st.integers(start, min(len(ARCHIVE), start + 50)))
    changed = ARCHIVE[:start] + data.draw(st.binary(max_size=50)) + ARCHIVE[stop:]
    if changed != ARCHIVE:
        with pytest.raises(PackageDamaged):
            open_package(changed)


def test_an_unsigned_package_opens_and_is_refused_by_the_check() -> None:
    package = open_package(UNSIGNED)
    assert package.signature is None
    assert refusal(lambda: check_signature(package, [KEY.public]), SignatureRefused) == (
        "The package small-tumour@1.2.3 is not signed. Sign it when freezing "
        "(`bedside freeze … --key FILE`)."
    )


def test_a_signature_by_a_stranger_is_refused_by_name() -> None:
    package = open_package(ARCHIVE)
    message = refusal(lambda: check_signature(package, [STRANGER.public]), SignatureRefused)
    assert KEY.public.fingerprint in message
    assert "not among the 1 trusted key(s)" in message
    assert "bedside keys trust" in message


def test_a_signature_over_something_else_is_refused() -> None:
    other = Recipe(changes={"version": "1.2.4"}).archive(KEY)
    parts = read_archive(ARCHIVE)
    parts["signature.json"] = read_archive(other)["signature.json"]
    package = open_package(write_archive(parts))
    message = refusal(lambda: check_signature(package, [KEY.public]), SignatureRefused)
    assert "was not made by" in message


def test_a_strangers_signature_under_a_trusted_name_is_refused() -> None:
    forged = read_archive(sign_package(UNSIGNED, STRANGER))
    name = STRANGER.public.fingerprint.encode()
    forged["signature.json"] = forged["signature.json"].replace(
        name, KEY.public.fingerprint.encode()
    )
    with pytest.raises(SignatureRefused, match="was not made by"):
        open_and_check(write_archive(forged))


def test_a_stray_entry_is_refused() -> None:
    parts = {**read_archive(ARCHIVE), "stray.txt": b"hello"}
    assert refusal(lambda: open_package(write_archive(parts))) == (
        "The archive and its manifest differ: missing [], not listed ['stray.txt']."
    )


def test_a_missing_entry_is_refused() -> None:
    parts = read_archive(ARCHIVE)
    del parts["model.onnx"]
    assert refusal(lambda: open_package(write_archive(parts))) == (
        "The archive and its manifest differ: missing ['model.onnx'], not listed []."
    )


def test_an_archive_without_a_manifest_is_refused() -> None:
    message = refusal(lambda: open_package(write_archive({"a.txt": b""})))
    assert message == "The archive has no manifest.json; it holds a.txt."


def test_an_entry_of_another_size_or_digest_is_refused() -> None:
    entries, manifest = Recipe().entries(), Recipe().manifest()
    longer = {**entries, "model.onnx": entries["model.onnx"] + b" "}
    message = refusal(lambda: build_package(manifest, longer, None))
    assert "'model.onnx' has" in message
    other = {**entries, "model.onnx": entries["model.onnx"][:-1] + b"?"}
    message = refusal(lambda: build_package(manifest, other, None))
    assert message.startswith("'model.onnx' has the digest sha256:")


def test_another_number_of_golden_cases_than_declared_is_refused() -> None:
    golden = Golden(entry="golden.json", cases=4, tolerance=1e-5)
    message = refusal(lambda: Recipe(changes={"golden": golden}).archive())
    assert message == "'golden.json' holds 5 golden cases; the manifest says 4."


def test_golden_cases_that_are_not_golden_cases_are_refused() -> None:
    entries = {**Recipe().entries(), "golden.json": b"[]"}
    manifest = Recipe(changes={"entries": describe_entries(entries)}).manifest()
    message = refusal(lambda: build_package(manifest, entries, None))
    assert message.startswith("The list of golden cases is not valid: .: ")


def test_a_golden_case_with_a_label_that_the_model_does_not_have_is_refused() -> None:
    case = golden_cases()[0].model_copy(update={"label": "fine"})
    message = refusal(lambda: Recipe(golden=(case,)).archive())
    assert message.startswith("The golden case 'case-0' answers 'fine' with scores for")


def test_manifest_and_signature_are_not_given_as_entries() -> None:
    entries = {**Recipe().entries(), "signature.json": b""}
    with pytest.raises(UsageError, match=r"\['signature\.json'\] are written here"):
        build_package(Recipe().manifest(), entries, KEY)


def test_the_entries_of_an_opened_package_cannot_be_changed() -> None:
    package = open_package(ARCHIVE)
    with pytest.raises(TypeError):
        package.entries["model.onnx"] = b""  # type: ignore[index]


def test_a_manifest_that_is_not_canonical_is_refused() -> None:
    parts = read_archive(UNSIGNED)
    parts["manifest.json"] = write_manifest(Recipe().manifest()) + b"\n"
    message = refusal(lambda: open_package(write_archive(parts)))
    assert message == (
        "The manifest is not written in canonical JSON (RFC 8785) with every value present."
    )


def test_golden_cases_have_one_spelling() -> None:
    assert write_golden(golden_cases()) == Recipe().entries()["golden.json"]
