from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.cli.conftest import Cli, Laboratory, Ward


def test_without_a_site_the_answer_says_that_it_is_unrecorded(
    cli: Cli, laboratory: Laboratory, row: Path
) -> None:
    shown = cli.done("predict", laboratory.package, row)
    assert shown.startswith("UNRECORDED, not for clinical use\n")
    assert "malignant (malignant): " in shown
    assert "Not for: Not for diagnosis" in shown
    answer = cli.json("predict", laboratory.package, row)
    assert answer["recorded"] is False
    assert answer["warning"] == "UNRECORDED, not for clinical use"


def test_the_same_row_gets_the_same_number_without_a_site_and_with_one(
    cli: Cli, laboratory: Laboratory, released: Ward, row: Path
) -> None:
    alone = cli.json("predict", laboratory.package, row)["predictions"][0]
    recorded = cli.json("predict", "breast-cancer", row, *released.as_("clinician"))
    [prediction] = recorded["predictions"]
    assert recorded["recorded"] is True
    assert prediction["scores"] == alone["scores"]
    assert prediction["label"] == alone["label"] == "malignant"
    assert prediction["id"]


def test_a_recorded_answer_names_its_prediction(cli: Cli, released: Ward, row: Path) -> None:
    shown = cli.done("predict", "breast-cancer", row, *released.as_("clinician"))
    assert "UNRECORDED" not in shown
    assert "prediction 0" in shown
    assert ", recorded 20" in shown


def test_many_rows_come_from_csv(cli: Cli, laboratory: Laboratory, tmp_path: Path) -> None:
    rows = laboratory.trained.rows[:5]
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    answer = cli.json("predict", laboratory.package, path)
    expected = cli.json("predict", laboratory.package, "-", stdin=json.dumps(rows))
    assert answer["predictions"] == expected["predictions"]
    assert len(answer["predictions"]) == 5


def test_the_gate_refuses_and_names_every_reason(
    cli: Cli, laboratory: Laboratory, released: Ward, tmp_path: Path
) -> None:
    row = dict(laboratory.trained.rows[0]) | {"mean radius": 9999, "shoe size": 42}
    del row["mean texture"]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(row))
    for words in (
        ("predict", laboratory.package, path),
        ("predict", "breast-cancer", path, *released.as_("clinician")),
    ):
        said = cli.refused(*words)
        assert "'mean radius': out-of-range: got 9999" in said
        assert "'shoe size': unknown-field" in said
        assert "'mean texture': missing" in said
        codes = {one["code"] for one in cli(*words, "--json").json["error"]["refusals"]}
        assert codes == {"out-of-range", "unknown-field", "missing"}


def test_a_subject_without_a_site_makes_no_sense(
    cli: Cli, laboratory: Laboratory, row: Path
) -> None:
    answer = cli("predict", laboratory.package, row, "--subject", "p1")
    assert answer.code == 2
    assert "nothing is recorded without a site" in answer.err


def test_one_subject_cannot_stand_for_many_rows(
    cli: Cli, laboratory: Laboratory, released: Ward
) -> None:
    rows = json.dumps(laboratory.trained.rows[:2])
    words = ("breast-cancer", "-", "--subject", "p1", *released.as_("clinician"))
    answer = cli("predict", *words, stdin=rows)
    assert answer.code == 2
    assert "One subject was given for 2 rows" in answer.err


def test_more_rows_than_the_site_takes_are_refused(
    cli: Cli, laboratory: Laboratory, released: Ward
) -> None:
    settings = released.site / "site.toml"
    text = settings.read_text()
    assert "rows = 1000" in text
    settings.write_text(text.replace("rows = 1000", "rows = 1"))
    rows = json.dumps(laboratory.trained.rows[:2])
    said = cli.refused("predict", "breast-cancer", "-", *released.as_("clinician"), stdin=rows)
    assert "2 rows at once; this site takes 1" in said


def test_only_a_clinician_may_predict(cli: Cli, released: Ward, row: Path) -> None:
    said = cli.refused("predict", "breast-cancer", row, *released.as_("developer"))
    assert "may not predict" in said
    assert "clinician" in said


def test_who_may_not_predict_is_told_so_before_the_file_is_looked_at(
    cli: Cli, released: Ward, tmp_path: Path
) -> None:
    said = cli.refused(
        "predict", "breast-cancer", tmp_path / "nothing.json", *released.as_("developer")
    )
    assert "may not predict" in said


def test_a_model_that_is_not_here_is_named(cli: Cli, released: Ward, row: Path) -> None:
    said = cli.refused("predict", "sepsis", row, *released.as_("clinician"))
    assert "sepsis" in said


def test_a_site_asks_who_you_are(cli: Cli, released: Ward, row: Path) -> None:
    said = cli.refused("predict", "breast-cancer", row, "--site", released.site)
    assert "no API key was given" in said
    assert "BEDSIDE_API_KEY" in said
