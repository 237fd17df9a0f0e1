"""Pictures as tensors: files and bare pixels go through the gate that every picture goes through."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.api.app import create_app
from bedside.api.open_inference.framing import read_infer
from bedside.api.open_inference.pixels import pictures_of
from bedside.canonical import Json
from bedside.imaging.reading import read_picture
from bedside.ledger.events import EventKind
from bedside.package.images import SideRange
from tests.api.client import Client, client_of
from tests.api.open_inference.tensors import Arrays, infer, read
from tests.api.open_inference.test_infer import refused, sealed
from tests.bedside_site import Hospital
from tests.package.building_images import BRIGHT, DARK, INPUT, ROW, STATED, ImageRecipe, dicom, film
from tests.serving.films import FILMS, release_films

SAID: Arrays = {
    "modality": np.array([b"DX"], dtype=np.object_),
    "body_part": np.array([b"CHEST"], dtype=np.object_),
}
BASE: dict[str, Json] = {"datatype": "UINT8", "name": "pixels"}


def files(*data: bytes) -> NDArray[Any]:
    found = np.empty(len(data), dtype=np.object_)
    found[:] = data
    return found


def sent(client: Client, hospital: Hospital, arrays: Arrays, **options: Any) -> httpx.Response:
    return infer(client, hospital, arrays, model=FILMS, **options)


def by_file(client: Client, hospital: Hospital, row: dict[str, Json]) -> dict[str, Any]:
    found = client.post(
        f"/v1/models/{FILMS}/predict", json={"input": row}, headers=hospital["clinician"].headers
    )
    assert found.status_code == 200
    told: dict[str, Any] = found.json()
    return told


def test_a_file_and_its_pixels_get_the_answer_that_the_file_gets(
    client: Client, hospital: Hospital
) -> None:
    told = by_file(client, hospital, ROW)
    of_file = read(sent(client, hospital, {"image": files(BRIGHT), **SAID}))
    pixels = film(170.0)
    for shape in ((64, 64), (1, 64, 64)):
        found = read(sent(client, hospital, {"pixels": pixels.reshape(shape), **SAID}))
        assert found.as_numpy("scores").tolist() == of_file.as_numpy("scores").tolist()
    assert (
        dict(zip(["clear", "opacity"], of_file.as_numpy("scores")[0], strict=True))
        == told["scores"]
    )
    assert found.as_numpy("label").tolist() == [b"opacity"]


def test_sixteen_bits_are_the_same_picture(client: Client, hospital: Hospital) -> None:
    eight = film(170.0)
    wide = eight.astype(np.uint16) * 257
    answers = [read(sent(client, hospital, {"pixels": one, **SAID})) for one in (eight, wide)]
    first, second = (one.as_numpy("scores")[0, 1] for one in answers)
    assert first == pytest.approx(second, abs=1e-6)


def test_several_are_answered_in_their_order(client: Client, hospital: Hospital) -> None:
    both = np.stack([film(170.0), film(60.0), film(170.0)])
    stated = {name: np.repeat(value, 3) for name, value in SAID.items()}
    found = read(sent(client, hospital, {"pixels": both, **stated}))
    assert found.as_numpy("label").tolist() == [b"opacity", b"clear", b"opacity"]
    found = read(
        sent(
            client,
            hospital,
            {"image": files(BRIGHT, DARK), **{k: v[:2] for k, v in stated.items()}},
        )
    )
    assert found.as_numpy("label").tolist() == [b"opacity", b"clear"]


def test_a_dicom_header_speaks_for_itself(client: Client, hospital: Hospital) -> None:
    found = read(sent(client, hospital, {"image": files(dicom(film(170.0)))}))
    assert found.as_numpy("flags").tolist() == [b""]
    wrong = {"image": files(dicom(film(170.0))), "modality": np.array([b"CT"], dtype=np.object_)}
    assert "contradiction" in refused(sent(client, hospital, wrong), 422)


def test_what_nobody_states_of_bare_pixels_is_flagged_as_declared(
    client: Client, hospital: Hospital
) -> None:
    found = read(sent(client, hospital, {"pixels": film(170.0)}))
    codes = b"modality-unstated,body-part-unstated"
    assert found.as_numpy("flags").tolist() == [codes]
    only = sent(client, hospital, {"pixels": film(170.0)}, outputs=["label"])
    told = read(only).get_response()["parameters"]["flags"]
    assert set(told.split(",")) == set(codes.decode().split(","))


def test_or_refused_as_declared(hospital: Hospital) -> None:
    strict = INPUT.model_copy(update={"unstated": "refuse"})
    release_films(hospital, ImageRecipe(input=strict))
    with client_of(create_app(hospital.site)) as client:
        assert "'modality': unstated" in refused(
            sent(client, hospital, {"pixels": film(170.0)}), 422
        )
        assert read(sent(client, hospital, {"pixels": film(170.0), **SAID})).get_response()
    assert len(hospital.site.ledger.find(kind=EventKind.REFUSAL)) == 1


def test_the_gate_judges_pixels_as_it_judges_a_file(client: Client, hospital: Hospital) -> None:
    blank = np.full((64, 64), 7, np.uint8)
    small = film(170.0)[:20, :20]
    long = np.tile(film(170.0), (1, 4))
    for pixels, said in ((blank, "grey value"), (small, "20 rows"), (long, "256 columns")):
        assert said in refused(sent(client, hospital, {"pixels": pixels, **SAID}), 422)
    assert len(hospital.site.ledger.find(kind=EventKind.REFUSAL)) == 3


PREPARED = (film(170.0).astype(np.float32) / 255 - 0.5) / 0.25


NO_PICTURE: tuple[tuple[Arrays, str], ...] = (
    ({"pixels": PREPARED}, "the package prepares it"),
    ({"pixels": PREPARED[np.newaxis, np.newaxis]}, "the package prepares it"),
    ({"pixels": film(170.0).astype(np.int16)}, "UINT8 or UINT16"),
    ({"pixels": film(170.0)[np.newaxis, np.newaxis]}, "[n, rows, columns]"),
    ({"pixels": film(170.0).reshape(-1)}, "[n, rows, columns]"),
    ({"pixels": film(170.0).astype(np.uint16) * 16}, "of 12 bits"),
    ({"x": PREPARED}, "no input 'x'"),
    ({"pixels": film(170.0), "image": files(BRIGHT)}, "both"),
    (SAID, "no picture"),
    ({"image": film(170.0)}, "bare pixels go into 'pixels'"),
    ({"pixels": film(170.0), "view": np.array([b"PA"] * 2, dtype=np.object_)}, "1 picture"),
)


def test_what_is_no_picture_is_refused_and_says_what_is(client: Client, hospital: Hospital) -> None:
    for arrays, said in NO_PICTURE:
        assert said in refused(sent(client, hospital, arrays), 400)
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()


def test_more_pictures_than_a_request_may_have_are_413(client: Client, hospital: Hospital) -> None:
    many = np.zeros((17, 40, 40), np.uint8)
    assert "at most 16" in refused(sent(client, hospital, {"pixels": many}), 413)
    assert "at most 16" in refused(sent(client, hospital, {"image": files(*[b"x"] * 17)}), 413)


def test_a_model_that_reads_dicom_alone_takes_no_bare_pixels(hospital: Hospital) -> None:
    declared = INPUT.model_copy(update={"media": ("dicom",)})
    cases = tuple(
        one.model_copy(update={"input": {**one.input, "image": _as_dicom(one.input["image"])}})
        for one in ImageRecipe().golden
    )
    release_films(hospital, ImageRecipe(input=declared, golden=cases))
    with client_of(create_app(hospital.site)) as client:
        told = client.get(f"/v2/models/{FILMS}", headers=hospital["clinician"].headers).json()
        assert "pixels" not in {one["name"] for one in told["inputs"]}
        assert "'pixels'" in refused(sent(client, hospital, {"pixels": film(170.0)}), 400)


def _as_dicom(text: str) -> str:
    values = read_picture(base64.b64decode(text)).values.astype(np.uint8)
    return base64.b64encode(dicom(values)).decode()


def test_files_come_as_base64_in_json_and_not_as_text(client: Client, hospital: Hospital) -> None:
    text = base64.b64encode(BRIGHT).decode()
    one: dict[str, Any] = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [text]}
    headers = hospital["clinician"].headers
    path = f"/v2/models/{FILMS}/infer"
    assert "base64" in refused(client.post(path, json={"inputs": [one]}, headers=headers), 400)
    one["parameters"] = {"content_type": "base64"}
    assert client.post(path, json={"inputs": [one]}, headers=headers).status_code == 200


def test_pixels_come_as_json_too(client: Client, hospital: Hospital) -> None:
    answer = sent(client, hospital, {"pixels": film(170.0)}, binary=False)
    assert read(answer).as_numpy("label").tolist() == [b"opacity"]


def png_by_hand(pixels: NDArray[np.uint8]) -> bytes:
    """The file that names bare pixels in the record, written from the page alone."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    rows, columns = pixels.shape
    raw = b"".join(b"\0" + row.tobytes() for row in pixels)
    assert len(raw) < 65_536
    stored = b"\1" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw
    data = b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(raw))
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_the_record_names_the_file_that_anybody_can_write_of_the_pixels(
    client: Client, hospital: Hospital
) -> None:
    found = read(sent(client, hospital, {"pixels": film(170.0), **SAID}))
    kept = json.loads(sealed(hospital, found.as_numpy("ledger_index")[0])["input"])
    file = png_by_hand(film(170.0))
    assert kept == {
        "modality": "DX",
        "body_part": "CHEST",
        "image": {"digest": f"sha256:{hashlib.sha256(file).hexdigest()}", "bytes": len(file)},
    }
    assert STATED["modality"] == "DX"


def test_a_colour_model_takes_colour() -> None:
    colour = INPUT.model_copy(update={"pixels": "colour", "rows": SideRange(minimum=1, maximum=9)})
    pixels = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    for values in (pixels, pixels[0]):
        body = json.dumps(
            {"inputs": [BASE | {"shape": list(values.shape), "data": values.ravel().tolist()}]}
        )
        rows = pictures_of(read_infer(body.encode(), None), colour)
        assert len(rows) == (2 if values.ndim == 4 else 1)
