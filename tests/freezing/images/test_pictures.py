from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import FreezeRefused, InputRefused, NotFound, UsageError
from bedside.freezing.freeze import FrozenModel, freeze
from bedside.freezing.images.pictures import picture_data
from bedside.freezing.images.rows import picture_rows
from bedside.imaging.writing import write_png
from bedside.runtime.runner import load
from tests.freezing.building import WHEN
from tests.freezing.films import IMAGE, film, film_spec, folder, png, spot_network


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> FrozenModel:
    films = folder(tmp_path_factory.mktemp("films"))
    return freeze(spot_network(), data=films, spec=film_spec(), frozen_at=WHEN)


class TestANetworkOnAFolderOfPictures:
    def test_becomes_a_package_that_answers_like_the_network(self, made: FrozenModel) -> None:
        runner = load(made.package)
        rows = [
            {"image": base64.b64encode(png(number)).decode()} for number in (100, 101, 102, 103)
        ]
        labels = [answer.label for answer in runner.predict(rows)]
        assert labels == ["well", "ill", "well", "ill"]

    def test_was_compared_on_the_pictures_variations_random_tensors_and_golden_cases(
        self, made: FrozenModel
    ) -> None:
        tried = [name for name, _, _ in made.report.groups]
        assert tried == [
            "your pictures",
            "your pictures, brighter, darker, with more and less contrast",
            "your pictures, with noise",
            "your pictures, the smallest and the largest that are allowed",
            "your pictures, each kind of file",
            "random tensors",
            "golden cases",
        ]
        assert made.report.largest < 1e-6
        assert made.package.manifest.lineage.difference.rows == made.report.rows

    def test_keeps_the_mean_of_the_pictures_as_their_likeness(self, made: FrozenModel) -> None:
        declared = made.package.manifest.input
        assert declared.kind == "image"
        assert declared.likeness is not None
        assert declared.likeness.pictures == 24
        assert np.mean(declared.likeness.reference) == pytest.approx(0, abs=1e-9)

    def test_names_network_libraries_and_readers_in_the_lineage(self, made: FrozenModel) -> None:
        manifest = made.package.manifest
        assert manifest.lineage.algorithm.startswith("torch.nn.Module")
        assert manifest.lineage.parameters["network"] == {"gives": "logit"}
        assert {"torch", "onnx", "pydicom", "pillow"} <= set(manifest.conditions.verified_with)

    def test_refuses_what_does_not_look_like_the_pictures(self, made: FrozenModel) -> None:
        turned = write_png(np.ascontiguousarray(255 - film(1)))
        with pytest.raises(InputRefused, match=r"likeness"):
            load(made.package).predict([{"image": base64.b64encode(turned).decode()}])


def domain(**changes: object) -> dict[str, object]:
    return {**IMAGE, **changes}


def told(films: Path, **changes: object) -> str:
    spec = film_spec(image=domain(**changes))
    assert spec.image is not None
    with pytest.raises(FreezeRefused) as caught:
        picture_data(films, spec.image, spec.preprocessing).refuse_outside()
    return str(caught.value)


class TestPicturesOutsideTheDeclaredDomain:
    def test_are_told_with_how_many_one_name_and_the_reason(self, tmp_path: Path) -> None:
        message = told(folder(tmp_path, 6), rows={"minimum": 128, "maximum": 512})
        assert "6 of 6 pictures (film-00.png): 'image': out-of-range: got 96 rows" in message

    def test_are_told_how_to_say_what_a_png_cannot(self, tmp_path: Path) -> None:
        message = told(folder(tmp_path, 6), unstated="refuse")
        assert "Say it in a file pictures.csv beside the pictures" in message

    def test_are_inside_once_the_list_says_it(self, tmp_path: Path) -> None:
        films = folder(tmp_path, 6)
        lines = [f"film-0{number}.png,DX,CHEST" for number in range(6)]
        (films / "pictures.csv").write_text("file,modality,body_part\n" + "\n".join(lines))
        spec = film_spec(image=domain(unstated="refuse"))
        assert spec.image is not None
        data = picture_data(films, spec.image, spec.preprocessing)
        data.refuse_outside()
        assert data.rows[2]["modality"] == "DX"

    def test_are_told_with_the_smallest_correlation_of_their_likeness(self, tmp_path: Path) -> None:
        films = folder(tmp_path, 6)
        (films / "turned.png").write_bytes(write_png(np.ascontiguousarray(255 - film(0))))
        message = told(films, likeness={"minimum": 0.5})
        assert "1 of 7 pictures (turned.png)" in message
        assert "the smallest correlation is -0." in message
        assert "Lower image.likeness.minimum" in message

    def test_are_only_noted_where_the_likeness_flags(self, tmp_path: Path) -> None:
        films = folder(tmp_path, 6)
        (films / "turned.png").write_bytes(write_png(np.ascontiguousarray(255 - film(0))))
        spec = film_spec(image=domain(likeness={"minimum": 0.5, "otherwise": "flag"}))
        assert spec.image is not None
        data = picture_data(films, spec.image, spec.preprocessing)
        data.refuse_outside()
        assert "1 of 7 of your own pictures have a likeness below" in data.notes[0]

    def test_are_too_few_for_a_likeness(self, tmp_path: Path) -> None:
        spec = film_spec()
        assert spec.image is not None
        with pytest.raises(FreezeRefused, match=r"mean of at least 5 pictures.*; 4 are here"):
            picture_data(folder(tmp_path, 4), spec.image, spec.preprocessing)


class TestWhatIsGivenAsPictures:
    def test_may_be_paths_bytes_and_rows(self, tmp_path: Path) -> None:
        films = folder(tmp_path, 2)
        row = {"image": base64.b64encode(png(1)).decode(), "modality": "DX"}
        rows, _ = picture_rows([films / "film-00.png", png(1), row])
        assert [one["image"] for one in rows] == [
            base64.b64encode(png(number)).decode() for number in (0, 1, 1)
        ]
        assert rows[2]["modality"] == "DX"

    def test_is_read_in_the_order_of_names_without_links_and_hidden_files(
        self, tmp_path: Path
    ) -> None:
        films = folder(tmp_path / "films", 3)
        (films / "more").mkdir()
        (films / "more" / "a.png").write_bytes(png(7))
        (films / ".hidden.png").write_bytes(b"")
        (films / "link.png").symlink_to(films / "film-00.png")
        (films / "labels.txt").write_text("not a picture")
        rows, notes = picture_rows(films)
        assert [entry.name for entry in rows.entries] == [
            "film-00.png",
            "film-01.png",
            "film-02.png",
            "more/a.png",
        ]
        assert notes == ("1 files were not read as pictures: labels.txt …",)

    def test_is_refused_where_it_is_something_else(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"`data` is a dict, and the spec declares pictures"):
            picture_rows({"a": 1})
        with pytest.raises(UsageError, match=r"Picture 0 is a int"):
            picture_rows([7])
        with pytest.raises(NotFound, match=r"no folder"):
            picture_rows(tmp_path / "none")
        with pytest.raises(FreezeRefused, match=r"no pictures"):
            picture_rows([])
        (tmp_path / "empty").mkdir()
        with pytest.raises(FreezeRefused, match=r"holds no picture"):
            picture_rows(tmp_path / "empty")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("file,colour\nfilm-00.png,red\n", "has the column 'colour'"),
            ("name\nfilm-00.png\n", "has no `file`"),
            ("file\nfilm-77.png\n", "names 'film-77.png', and there is no such picture"),
        ],
    )
    def test_has_a_list_that_fits_the_folder(self, tmp_path: Path, text: str, words: str) -> None:
        (folder(tmp_path, 1) / "pictures.csv").write_text(text)
        with pytest.raises(FreezeRefused, match=words):
            picture_rows(tmp_path)
