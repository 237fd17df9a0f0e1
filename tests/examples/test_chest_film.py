"""The chest-film example, end to end, on drawn films and on real ones that it must know how to treat."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest

from bedside.canonical import Json
from bedside.errors import InputRefused
from bedside.imaging.grey import full_range, header_window
from bedside.imaging.reading import read_picture
from bedside.imaging.writing import write_png
from bedside.lab.films.files import film_dicom, film_png
from bedside.lab.films.film import make_film
from bedside.package.images import ImageInput
from bedside.package.package import open_package
from bedside.runtime.explained import PictureExplained
from bedside.runtime.postprocess import Answer
from bedside.runtime.runner import Runner, load
from tests.examples.conftest import EXAMPLE, Journey

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "chest-film.md"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.loopback,
    pytest.mark.timeout(900),  # the first test waits for the whole way
]


@pytest.fixture(scope="module")
def runner(journey: Journey) -> Runner:
    """The frozen example."""
    return load(open_package((journey.folder / "opacity.bedside").read_bytes()))


def ask(runner: Runner, film: bytes, **stated: str) -> Answer:
    row: dict[str, Json] = {"image": base64.b64encode(film).decode(), **stated}
    (answer,) = runner.predict([row])
    return answer


def refusals(runner: Runner, film: bytes, **stated: str) -> str:
    with pytest.raises(InputRefused) as caught:
        ask(runner, film, **stated)
    return "\n".join(str(one) for one in caught.value.refusals)


def codes(answer: Answer) -> list[str]:
    return [flag.code for flag in answer.flags]


def test_the_whole_way_is_gone_and_a_film_is_answered_in_all_three_forms(journey: Journey) -> None:
    sentences = re.findall(r"^film\.(?:png|dcm), ([^:]+): (.+ threshold .+)$", journey.told, re.M)
    assert [form for form, _ in sentences] == ["in JSON", "in a form", "the file alone"]
    assert len({sentence for _, sentence in sentences}) == 1
    assert (journey.folder / "heat.png").read_bytes().startswith(b"\x89PNG")


def test_the_tibia_is_refused_at_the_door_by_its_header(journey: Journey) -> None:
    (line,) = (line for line in journey.told.splitlines() if "RG3_J2KR.dcm" in line)
    assert "REFUSED" in line
    assert "EXTREMITY" in line
    assert "CHEST" in line


def test_the_package_says_what_it_is(runner: Runner) -> None:
    manifest = runner.manifest
    assert manifest.claim_level == "demonstration"
    for language in ("en", "ja"):
        assert manifest.not_for[language]
    assert "pneumonia" not in manifest.title["en"]
    assert isinstance(manifest.input, ImageInput)
    assert [one.name for one in manifest.evaluation.metrics][:2] == ["sensitivity", "specificity"]
    assert {data.consent_basis for data in manifest.lineage.data} == {
        "nobody's data: every film is calculated, and shows no person"
    }


def test_the_network_learned_what_was_drawn(runner: Runner) -> None:
    (area,) = (one for one in runner.manifest.evaluation.metrics if one.name == "AUROC")
    assert area.lower > 0.6  # ten epochs on few films; the whole training gives 0.96
    scores = {
        shown: [
            ask(runner, film_dicom(make_film(31_000 + n, opacity=shown))).scores["opacity"]
            for n in range(8)
        ]
        for shown in (True, False)
    }
    higher = [ill > well for ill, well in zip(scores[True], scores[False], strict=True)]
    assert sum(higher) >= 6  # the same film with and without


def test_a_film_gives_one_answer_as_png_as_dicom_and_as_a_negative(runner: Runner) -> None:
    film = make_film(31_000, opacity=True)
    files = (film_png(film), film_dicom(film), film_dicom(film, negative=True))
    plain, dicom, negative = (ask(runner, file) for file in files)
    assert plain.scores == dicom.scores
    assert negative.scores["opacity"] == pytest.approx(plain.scores["opacity"], abs=1e-6)
    assert codes(dicom) == codes(negative) == []
    assert set(codes(plain)) == {"modality-unstated", "body-part-unstated", "view-unstated"}


@pytest.mark.parametrize("name", ["00000001_000.png", "00027426_000.png"])
def test_a_real_film_goes_through(runner: Runner, samples: Path, name: str) -> None:
    film = (samples / "films" / name).read_bytes()
    answer = ask(runner, film, modality="CR", body_part="CHEST", view="PA")
    assert 0 <= answer.scores["opacity"] <= 1
    assert codes(answer) == []


def test_the_pair_that_differs_in_polarity_alone_gives_equal_scores(
    runner: Runner, samples: Path
) -> None:
    right, wrong = (
        ask(runner, (samples / "films" / f"chest_MONOCHROME{n}.dcm").read_bytes()) for n in (2, 1)
    )
    assert wrong.scores == right.scores
    assert wrong.label == right.label
    assert codes(right) == []
    assert codes(wrong) == ["polarity-overruled"]


def test_a_film_of_sixteen_bits_that_is_rightly_a_negative_is_believed(
    runner: Runner, samples: Path
) -> None:
    film = (samples / "dicom" / "files" / "RG1_J2KI.dcm").read_bytes()
    assert codes(ask(runner, film)) == []


OTHERS = ["files/RG3_J2KR.dcm", "files/693_UNCR.dcm", "files/MR2_UNCR.dcm", "ct-j2k-series"]


def first(samples: Path, name: str) -> bytes:
    """Return a picture that is no chest film; the first slice of a series."""
    path = samples / "dicom" / name
    return (sorted(path.iterdir())[0] if path.is_dir() else path).read_bytes()


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_chest_film_is_refused_by_its_header(
    runner: Runner, samples: Path, name: str
) -> None:
    assert re.search(
        r"'(modality|body_part)': out-of-domain", refusals(runner, first(samples, name))
    )


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_and_without_its_header_by_how_it_looks(
    runner: Runner, samples: Path, name: str, turns: int
) -> None:
    picture = read_picture(first(samples, name))
    unit = header_window(picture) if picture.windows else full_range(picture)
    pixels = np.rint(np.rot90(unit, turns) * 255).astype(np.uint8)
    stated = {"modality": "DX", "body_part": "CHEST", "view": "PA"}  # somebody says so
    assert "out-of-domain" in refusals(runner, write_png(np.ascontiguousarray(pixels)), **stated)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_chest_film_on_its_side_or_head_is_refused(
    runner: Runner, samples: Path, turns: int
) -> None:
    picture = read_picture((samples / "films" / "00027426_000.png").read_bytes())
    turned = np.rot90(picture.values, turns).astype(np.uint8)
    assert "likeness" in refusals(runner, write_png(np.ascontiguousarray(turned)))


def test_the_answer_is_explained_by_a_heat_map(runner: Runner) -> None:
    row: dict[str, Json] = {"image": base64.b64encode(film_dicom(make_film(31_000))).decode()}
    (answer,) = runner.predict([row], explain=True)
    assert isinstance(answer.explanation, PictureExplained)
    assert answer.explanation.passes == 170
    assert len(read_picture(answer.explanation.png).values) == 512


def test_the_page_shows_the_commands_that_were_run() -> None:
    script = (EXAMPLE / "freeze_and_serve.sh").read_text("utf-8")
    shown = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    lines = [line.strip() for block in shown for line in block.splitlines()]
    assert len(lines) > 8
    for line in lines:
        assert line in script, line


def test_the_page_shows_what_was_printed(journey: Journey) -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    place = 0
    for line in shown.splitlines():
        found = re.compile(".*".join(map(re.escape, line.split("…")))).search(journey.told, place)
        assert found, f"the page promises {line!r}; there is:\n{journey.told[-3000:]}"
        place = found.end()
