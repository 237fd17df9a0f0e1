from __future__ import annotations

import hashlib
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bedside.errors import FreezeRefused
from bedside.freezing.draft.draft import draft_spec
from bedside.freezing.draft.facts import ModelFacts, TensorFacts
from bedside.freezing.draft.pictures import MOST_READ, folder_facts
from bedside.freezing.spec import read_spec
from tests.freezing.draft.filling import filled

NETWORK = ModelFacts(
    file="pneumonia.onnx",
    network=True,
    inputs=(TensorFacts("x", "float32", ("n", 1, 224, 224)),),
    outputs=(TensorFacts("logits", "float32", ("n", 2)),),
)
OPEN = {
    "image.modalities": '["CR"]',
    "image.body_parts": '["CHEST"]',
    "image.views": "[]",
    "preprocessing.filter": '"bilinear"',
    "preprocessing.mean": "[0.5]",
    "preprocessing.deviation": "[0.25]",
    "network.gives": '"logits"',
    "output.kind": '"binary"',
}


def save(path: Path, rows: int, columns: int, *, colour: bool = False) -> None:
    shape = (rows, columns, 3) if colour else (rows, columns)
    values = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape) % 251
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "films"
    pictures.mkdir()
    save(pictures / "a.png", 300, 240)
    save(pictures / "B.png", 280, 260)
    save(pictures / "ill" / "c.jpg", 320, 256)
    (pictures / "ill" / "notes.txt").write_text("no picture", encoding="utf-8")
    return pictures


def test_a_folder_is_told_by_its_files(folder: Path) -> None:
    facts = folder_facts(folder)
    assert (facts.pictures, facts.decoded, facts.media) == (4, 3, ("jpeg", "png"))
    assert (facts.rows, facts.columns) == ((280, 320), (240, 260))
    assert facts.elongated == pytest.approx(1.25)
    assert (facts.colours, facts.deep, facts.unstated) == (0, 0, 3)
    assert [one.split(":")[0] for one in facts.refused] == ["ill/notes.txt"]


def test_the_digest_is_what_sha256sum_would_give(folder: Path) -> None:
    command = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum"
    printed = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=True)
    assert folder_facts(folder).digest == f"sha256:{hashlib.sha256(printed.stdout).hexdigest()}"


def test_a_draft_of_pictures_is_filled_and_read(folder: Path, tmp_path: Path) -> None:
    draft = draft_spec(folder, NETWORK)
    answers = tomllib.loads(draft)
    assert answers["image"]["media"] == ["jpeg", "png"]
    assert answers["image"]["rows"] == {"minimum": 276, "maximum": 324}
    assert answers["preprocessing"][1]["columns"] == 224
    assert "notes.txt" in draft
    path = tmp_path / "spec.toml"
    path.write_text(filled(draft, ("well", "ill"), **OPEN), encoding="utf-8")
    spec = read_spec(path)
    assert spec.image is not None
    assert spec.image.pixels == "grey"
    assert spec.origin.data[0].rows == 4


def test_headers_propose_modality_body_part_and_depth(samples: Path) -> None:
    facts = folder_facts(samples / "dicom" / "files")
    assert "CR" in facts.modalities
    assert "dicom" in facts.media
    assert facts.deep > 0
    assert any("bad_sequence" in one or "emri" in one for one in facts.refused)
    draft = draft_spec(samples / "films")
    assert '"CHEST"' not in draft or "PROPOSED" in draft
    assert "lack modality, body part or view" in draft


def test_many_pictures_are_all_digested_and_some_decoded(tmp_path: Path) -> None:
    for number in range(MOST_READ + 30):
        save(tmp_path / f"{number}.png", 8, 8)
    facts = folder_facts(tmp_path)
    assert (facts.pictures, facts.decoded) == (MOST_READ + 30, MOST_READ)


def test_a_folder_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FreezeRefused, match="there is no file"):
        folder_facts(tmp_path)
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FreezeRefused, match=r"none of those tried is a picture: a\.txt"):
        folder_facts(tmp_path)


def test_links_and_hidden_files_are_not_followed(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", 8, 8)
    save(tmp_path / "b.png", 9, 9)
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "in" / ".DS_Store").write_text("x", encoding="utf-8")
    assert folder_facts(tmp_path / "in").pictures == 1


def test_colour_and_a_grey_network_are_brought_together(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 40, 40, colour=True)
    operations = [
        one["op"] for one in tomllib.loads(draft_spec(tmp_path, NETWORK))["preprocessing"]
    ]
    assert operations == ["full_range", "greyscale", "resize", "normalise"]
