"""What is fuzzed: each parser with the files it starts from, and how a structured input is changed.

A target takes any bytes and must return, or raise one of our own errors. Everything else, and every
input that takes too long or too much memory, is a finding.
"""

from __future__ import annotations

import io
import json
import random
import zlib
from pathlib import Path

import numpy as np

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError
from bedside.freezing.meshnet.layer_list import read_layers
from bedside.freezing.meshnet.reading import read_list
from bedside.freezing.mlflow.strict_yaml import read_yaml
from bedside.freezing.strangers.findings import Findings
from bedside.freezing.strangers.inspecting import _judged, _kind
from bedside.freezing.strangers.toml import read_toml
from bedside.imaging.files import files_of
from bedside.imaging.reading import read_picture
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_reading import read_volume
from bedside.package.archive import read_archive, write_archive
from bedside.package.golden import read_golden, write_golden
from bedside.package.manifest import read_manifest, write_manifest
from bedside.package.package import open_package
from bedside.runtime.onnx_wire import read_opset
from tests.fuzz.oracle import imported_by_readers, is_tar
from tests.fuzz.target import Target

SMALL = VolumeLimits(voxels=2**18)
"""Of a fuzzed volume: what is large is slow, and no other code."""


def _package(data: bytes) -> None:
    """Read an archive; where it is one, it must have its only spelling."""
    entries = read_archive(data)
    assert write_archive(entries) == data
    open_package(data)


def _manifest(data: bytes) -> None:
    assert write_manifest(read_manifest(data)) == data


def _golden(data: bytes) -> None:
    assert write_golden(read_golden(data)) == data


def _json(data: bytes) -> None:
    json.dumps(read_json(data), allow_nan=False)


def _network(data: bytes) -> None:
    assert read_opset(data)


def _pickle(data: bytes) -> None:
    """Judge a file; whatever another reader of pickles would import must have been seen."""
    findings = Findings()
    kind = _kind(io.BytesIO(data), len(data), findings)
    found = _judged("fuzzed.pkl", len(data), kind, findings)
    assert found.words
    missed = imported_by_readers(data) - set(findings.names)
    assert findings.doubts or not missed, missed
    assert found.holds_code or not is_tar(data)


def _picture(data: bytes) -> None:
    found = read_picture(data)
    assert found.values.dtype.name == "float32"


def _volume(data: bytes) -> None:
    found = read_volume(files_of([("fuzzed", data)], SMALL), SMALL)
    assert found.values.dtype.name == "float32"
    assert np.isfinite(found.values).all()
    assert found.voxel_millilitres > 0


def _toml(data: bytes) -> None:
    read_toml(data, "fuzzed.toml")


def _yaml(data: bytes) -> None:
    try:
        read_yaml(data.decode("utf-8"))
    except ValueError:  # what its caller expects
        return


def _meshnet(data: bytes) -> None:
    told = read_list(data)
    _, layers = read_layers(told.get("modelTopology"))
    assert layers


def _meshnet_seeds() -> list[bytes]:
    from tests.freezing.meshnet.folders import PLAIN, TINY, folder_of  # noqa: PLC0415

    return [json.dumps(folder_of(asked).told).encode() for asked in (PLAIN, TINY)]


def _package_seeds() -> list[bytes]:
    from tests.package.building import Recipe  # noqa: PLC0415

    return [Recipe().archive(), write_archive({"manifest.json": b"{}", "a.b": b""})]


def _manifest_seeds() -> list[bytes]:
    from tests.package.building import Recipe  # noqa: PLC0415

    return [write_manifest(Recipe().manifest())]


def _golden_seeds() -> list[bytes]:
    from tests.package.building import golden_cases  # noqa: PLC0415

    return [write_golden(golden_cases())]


def _toml_seeds() -> list[bytes]:
    root = Path(__file__).resolve().parents[2]
    return [path.read_bytes() for path in sorted((root / "docs").rglob("*.toml"))] + [
        b'name = "a"\n[origin]\ncode = "x"\nlist = [1, 2.5, {a = true}]\nt = 2026-01-01T00:00:00Z\n'
    ]


def _repair_zip(data: bytes, _choose: random.Random) -> bytes:
    """Give every entry of a changed archive the checksum of its content, then spell it anew."""
    entries: dict[str, bytes] = {}
    position = 0
    while data[position : position + 4] == b"PK\x03\x04" and len(data) - position > 30:
        size = int.from_bytes(data[position + 18 : position + 22], "little")
        length = int.from_bytes(data[position + 26 : position + 28], "little")
        name = data[position + 30 : position + 30 + length].decode("latin-1")
        start = position + 30 + length
        entries[name] = data[start : start + size]
        position = start + size
    try:
        return write_archive(entries)
    except BedsideError:
        return data


def _picture_seeds() -> list[bytes]:
    from tests.fuzz.films import films  # noqa: PLC0415

    return list(films().values())


def _change_picture(data: bytes, choose: random.Random) -> bytes:
    """Give every chunk of a changed PNG its checksum; change a DICOM file's codestream alone."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        from tests.fuzz.films import change_codestream  # noqa: PLC0415

        return change_codestream(data, choose)
    parts, position = [data[:8]], 8
    while position + 12 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        body = data[position + 4 : position + 8 + size]
        parts += [data[position : position + 4], body, zlib.crc32(body).to_bytes(4, "big")]
        position += 12 + size
    return b"".join(parts)


_VALUES: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**53 - 1, 1e300, -1e-300, "", "a", "../a", "a" * 300),
    *([], [[]], {}, {"a": {}}, [1, "b"], "2026-11-21T08:00:00.000000Z", "sha256:" + "0" * 64),
)


def _change_json(data: bytes, choose: random.Random) -> bytes:
    """Replace, remove or add something in a JSON document, and spell it canonically."""
    try:
        value = json.loads(data)
        _change(value, choose)
        return canonical_bytes(value)
    except (ValueError, RecursionError, BedsideError):
        return data


def _change(value: Json, choose: random.Random) -> None:
    """Change one place of `value`, found by walking down at random."""
    while isinstance(value, dict | list) and value:
        key = choose.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if isinstance(value[key], dict | list) and value[key] and choose.random() < 0.8:
            value = value[key]
            continue
        match choose.randrange(3):
            case 0:
                value[key] = choose.choice(_VALUES)
            case 1:
                del value[key]
            case 2 if isinstance(value, dict):
                value[choose.choice(("kind", "extra", "name"))] = choose.choice(_VALUES)
            case _ if isinstance(value, list):
                value.append(value[key])
        return


def _none() -> list[bytes]:
    return []


TARGETS: dict[str, Target] = {
    "package": Target(_package, ("package", "signed"), _package_seeds, _repair_zip),
    "manifest": Target(_manifest, (), _manifest_seeds, _change_json),
    "golden": Target(_golden, (), _golden_seeds, _change_json),
    "json": Target(_json, ("json",), _golden_seeds, _change_json),
    "network": Target(_network, ("network", "run"), _none),
    "pickle": Target(_pickle, ("pickle",), _none),
    "picture": Target(_picture, ("picture",), _picture_seeds, _change_picture),
    "volume": Target(_volume, ("volume",), _none),
    "toml": Target(_toml, ("spec",), _toml_seeds),
    "yaml": Target(_yaml, ("mlflow",), _none),
    "meshnet": Target(_meshnet, (), _meshnet_seeds),
}
"""Every parser that reads what a stranger wrote."""
