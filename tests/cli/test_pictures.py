"""`bedside predict` on pictures: files and folders, alone and recorded, with their heat maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bedside.keys.signing import SigningKey
from tests.cli.conftest import Cli, Laboratory, Ward
from tests.package.building_images import BRIGHT, ImageRecipe, dicom, film

STATED = ("--modality", "DX", "--body-part", "CHEST", "--view", "PA")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package for films, signed by somebody."""
    path = tmp_path / "small-film.bedside"
    path.write_bytes(ImageRecipe().archive(SigningKey.new()))
    return path


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with two films, a text, and a file that a desktop left there."""
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "a.png").write_bytes(BRIGHT)
    (folder / "b.dcm").write_bytes(dicom(film(60.0)))
    (folder / "c.txt").write_text("a text")
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


def test_a_film_is_answered_in_one_sentence(cli: Cli, package: Path, films: Path) -> None:
    shown = cli.done("predict", package, films / "a.png", *STATED)
    assert shown.startswith("UNRECORDED, not for clinical use\n")
    assert "opacity: 98 %, above the threshold of 62 %" in shown
    answer = cli.json("predict", package, films / "a.png", *STATED)
    assert answer["predictions"][0]["told"]["ja"] == "陰影: 98 %、しきい値 62 % 以上"
    assert answer["predictions"][0]["file"] == str(films / "a.png")


def test_what_nobody_said_is_flagged(cli: Cli, package: Path, films: Path) -> None:
    shown = cli.done("predict", package, films / "a.png", "--modality", "DX")
    assert "! Nobody says which part of the body this is" in shown


def test_a_header_says_it_for_itself(cli: Cli, package: Path, films: Path) -> None:
    shown = cli.done("predict", package, films / "b.dcm")
    assert "below the threshold of 62 %" in shown
    assert "!" not in shown
    said = cli.refused("predict", package, films / "b.dcm", "--modality", "CR")
    assert "contradiction" in said


def test_a_folder_is_answered_film_by_film(cli: Cli, package: Path, films: Path) -> None:
    answer = cli("predict", package, films, *STATED)
    assert answer.code == 1
    assert "1 of 3 pictures were refused" in answer.err
    assert "98 %, above" in answer.out
    assert "c.txt  refused: " in answer.out
    assert ".DS_Store" not in answer.out
    told = cli("predict", package, films, *STATED, "--json").json["predictions"]
    assert [one["file"].rpartition("/")[2] for one in told] == ["a.png", "b.dcm", "c.txt"]
    assert told[2]["error"]["refusals"][0]["code"] == "not-a-picture"


def test_a_film_comes_from_stdin(
    cli: Cli, package: Path, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedside.cli.pictures.read_bytes", lambda _: BRIGHT)
    assert "98 %" in cli.done("predict", package, "-", *STATED)


def test_the_heat_map_goes_where_it_is_told_to(
    cli: Cli, package: Path, films: Path, tmp_path: Path
) -> None:
    heat = tmp_path / "heat.png"
    shown = cli.done("predict", package, films / "a.png", *STATED, "--heat-map", heat)
    assert f"heat map: {heat}" in shown
    assert heat.read_bytes().startswith(b"\x89PNG")
    (films / "c.txt").unlink()
    out = tmp_path / "out"
    out.mkdir()
    cli.done("predict", package, films, *STATED, "--heat-map", out)
    assert sorted(path.name for path in out.iterdir()) == ["a.png.heat.png", "b.dcm.heat.png"]


def test_a_heat_map_never_takes_the_place_of_a_film(
    cli: Cli, package: Path, films: Path, tmp_path: Path
) -> None:
    picture = films / "a.png"
    for where, said in (
        (picture, "take the place of"),
        (films / "b.dcm", "take the place of"),
        (films / "c.txt", "take the place of"),
        (tmp_path / "nowhere" / "heat.png", "There is no folder"),
    ):
        answer = cli("predict", package, picture, *STATED, "--heat-map", where)
        assert answer.code == 2
        assert said in answer.err
    assert picture.read_bytes() == BRIGHT
    forged = tmp_path / "notes.heat.png"
    forged.write_text("notes")
    answer = cli("predict", package, picture, *STATED, "--heat-map", forged)
    assert "take the place of" in answer.err


def test_a_heat_map_is_written_anew_and_is_no_picture(cli: Cli, package: Path, films: Path) -> None:
    (films / "c.txt").unlink()
    for _ in range(2):
        told = cli.json("predict", package, films, *STATED, "--heat-map", films)
        assert [Path(one["file"]).name for one in told["predictions"]] == ["a.png", "b.dcm"]
    assert (films / "a.png.heat.png").read_bytes().startswith(b"\x89PNG")


def test_every_place_of_a_heat_map_is_looked_at_before_anything_is_answered(
    cli: Cli, hung: Ward, films: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "b.dcm.heat.png").mkdir(parents=True)
    words = ("predict", "small-film", films, *STATED, *hung.as_("clinician"))
    answer = cli(*words, "--heat-map", out)
    assert (answer.code, "take the place of" in answer.err) == (2, True)
    assert not list(out.glob("a.*"))
    recorded = cli.json("predict", "small-film", films / "a.png", *STATED, *hung.as_("clinician"))
    first = recorded["predictions"][0]["recorded"]["index"]
    again = cli.json("predict", "small-film", films / "a.png", *STATED, *hung.as_("clinician"))
    assert again["predictions"][0]["recorded"]["index"] == first + 1


def test_a_heat_map_that_cannot_be_written_takes_no_answer_away(
    cli: Cli, package: Path, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    (films / "c.txt").unlink()
    words = ("predict", package, films, *STATED, "--heat-map", tmp_path)
    answer = cli(*words)
    assert answer.code == 1
    assert answer.out.count("the threshold of 62 %") == 2
    assert answer.out.count("no heat map: ") == 2
    assert "2 heat maps could not be written" in answer.err
    told = cli(*words, "--json").json["predictions"]
    assert "No space left" in told[0]["heat_map"]["error"]["message"]


def test_a_refusal_names_the_file_and_says_nothing_of_base64(
    cli: Cli, package: Path, films: Path
) -> None:
    said = cli.refused("predict", package, films / "c.txt")
    assert said.startswith(f"Refused: {films / 'c.txt'}: The gate refused")
    assert "base64" not in said


def test_a_folder_of_one_is_a_folder(cli: Cli, package: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "c.txt").write_text("a text")
    answer = cli("predict", package, folder)
    assert answer.code == 1
    assert "c.txt  refused: " in answer.out
    assert "1 of 1 pictures were refused" in answer.err


def test_the_name_of_a_file_forges_no_line(cli: Cli, package: Path, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "a\n  opacity: 1 %\u2028\x1b[2K.png").write_bytes(BRIGHT)
    (folder / "b\nUNRECORDED.txt").write_text("x")
    answer = cli("predict", package, folder, *STATED, "--heat-map", folder)
    assert not [line for line in answer.out.splitlines() if line.startswith("  opacity: 1 %")]
    assert "a\\n  opacity: 1 %\\u2028\\x1b[2K.png" in answer.out
    assert "b\\nUNRECORDED.txt  refused" in answer.out


def test_why_is_a_picture_and_needs_a_place(cli: Cli, package: Path, films: Path) -> None:
    answer = cli("predict", package, films / "a.png", *STATED, "--explain")
    assert answer.code == 2
    assert "--heat-map" in answer.err
    told = cli.json("predict", package, films / "a.png", *STATED, "--explain")
    assert told["predictions"][0]["explanation"]["media_type"] == "image/png"


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [("nothing.png", 1, "There is no file or folder"), ("empty", 2, "holds no file")],
)
def test_a_source_without_a_picture_is_named(
    cli: Cli, package: Path, tmp_path: Path, source: str, code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    answer = cli("predict", package, tmp_path / source)
    assert answer.code == code
    assert said in answer.err


def test_a_model_of_fields_is_told_nothing_of_pictures(
    cli: Cli, laboratory: Laboratory, row: Path
) -> None:
    for words in (STATED, ("--heat-map", "heat.png")):
        answer = cli("predict", laboratory.package, row, *words)
        assert answer.code == 2
        assert "takes rows of fields" in answer.err


def test_a_model_without_an_explanation_says_so(cli: Cli, films: Path, tmp_path: Path) -> None:
    path = tmp_path / "silent.bedside"
    path.write_bytes(replace(ImageRecipe(), explanation=None).archive(SigningKey.new()))
    answer = cli("predict", path, films / "a.png", *STATED, "--explain", "--json")
    assert answer.code == 2
    assert "declares no explanation" in answer.err


@pytest.fixture
def hung(cli: Cli, ward: Ward, tmp_path: Path) -> Ward:
    """A ward in which the model of films is released."""
    key = SigningKey.new()
    (tmp_path / "author.pub").write_text(key.public.to_pem())
    path = tmp_path / "released.bedside"
    path.write_bytes(ImageRecipe().archive(key))
    ref = "small-film@1.0.0"
    cli.done("keys", "trust", tmp_path / "author.pub", "--name", "Author", *ward.as_("admin"))
    cli.done("registry", "add", path, *ward.as_("developer"))
    cli.done("registry", "verify", ref, *ward.as_("developer"))
    for person in ("first", "second"):
        meaning = ("--meaning", "I have read the evaluation.")
        cli.done("registry", "approve", ref, *meaning, *ward.as_(person))
    cli.done("registry", "release", ref, "--reason", "first", *ward.as_("operator"))
    return ward


def test_with_a_site_each_film_is_recorded_for_itself(
    cli: Cli, hung: Ward, package: Path, films: Path
) -> None:
    answer = cli("predict", "small-film", films, *STATED, *hung.as_("clinician"), "--json")
    assert answer.code == 1
    recorded = answer.json["predictions"]
    alone = cli("predict", package, films, *STATED, "--json").json["predictions"]
    assert [one.get("scores") for one in recorded] == [one.get("scores") for one in alone]
    assert recorded[0]["id"] != recorded[1]["id"]
    assert recorded[1]["recorded"]["index"] == recorded[0]["recorded"]["index"] + 1
    text = cli.done("trace", recorded[0]["id"], *hung.as_("auditor"))
    assert "kept in the archive that it came from" in text
    one = (films / "a.png", *STATED, "--subject", "p-7")
    assert "recorded 20" in cli.done("predict", "small-film", *one, *hung.as_("clinician"))
    answer = cli("predict", "small-film", films, "--subject", "p-7", *hung.as_("clinician"))
    assert (answer.code, "One subject was given for 3 pictures" in answer.err) == (2, True)


def test_inspect_and_verify_tell_what_a_picture_must_be(
    cli: Cli, package: Path, tmp_path: Path
) -> None:
    told = cli("verify", package).out
    assert "takes one picture (png, jpeg, dicom, CR, DX); explains by occlusion, 17 passes" in told
    shown = cli.done("inspect", package)
    for words in ("png, jpeg, dicom", "CR, DX", "CHEST", "answered with a flag", "32 to 512"):
        assert words in shown
    assert "how far the answer falls where a square of 8 pixels is covered" in shown
    assert "1 × 32 × 32" in shown


def test_a_model_of_pictures_is_not_measured_on_rows(
    cli: Cli, package: Path, tmp_path: Path
) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("a\n1\n")
    answer = cli("lab", "evaluate", package, "--data", data, "--label", "a")
    assert answer.code == 2
    assert "rows.csv is no manifest of a data set: Not JSON" in answer.err
    assert "bedside lab dataset" in answer.err
