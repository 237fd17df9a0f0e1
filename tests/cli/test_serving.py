from __future__ import annotations

from pathlib import Path

import pytest

from bedside.keys.signing import PublicKey
from bedside.serving.trace import verify_trace
from tests.cli.conftest import Cli, Ward


@pytest.fixture
def prediction(cli: Cli, released: Ward, row: Path) -> str:
    words = ("predict", "breast-cancer", row, "--subject", "patient-7")
    answer = cli.json(*words, *released.as_("clinician"))
    found: str = answer["predictions"][0]["id"]
    return found


def test_a_decision_stands_beside_the_answer(cli: Cli, released: Ward, prediction: str) -> None:
    shown = cli.done("decide", prediction, "agree", *released.as_("clinician"))
    assert "agree; what stands: malignant." in shown
    words = ("corrected", "--label", "benign", "--reason", "Histology says benign.")
    told = cli.json("decide", prediction, *words, *released.as_("clinician"))
    assert (told["verdict"], told["label"]) == ("corrected", "benign")


def test_the_trace_tells_the_whole_story(cli: Cli, released: Ward, prediction: str) -> None:
    words = ("disagree", "--reason", "It does not fit.")
    cli.done("decide", prediction, *words, *released.as_("clinician"))
    shown = cli.done("trace", prediction, *released.as_("auditor"))
    for expected in (
        f"Prediction {prediction}",
        "pseudonym                 P-",
        "It does not fit.",
        "bedside.lab.breast_cancer",
        "registered by developer",
        "approved by first",
        "approved by second",
        "I have read the evaluation.",
        "released by operator",
        "through cli",
    ):
        assert expected in shown, expected
    assert "patient-7" not in shown  # an auditor need not know who it is


def test_the_trace_as_json_proves_itself_with_the_public_key_alone(
    cli: Cli, released: Ward, prediction: str
) -> None:
    told = cli.json("trace", prediction, *released.as_("clinician"))
    public = PublicKey.load(released.site / "keys" / "ledger.pub")
    assert verify_trace(told, public).entries == len(told["proofs"]) >= 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("maybe",), "'maybe' is not a verdict"),
        (("corrected", "--reason", "why"), "cannot replace the label 'malignant'"),
        (("corrected", "--label", "malignant", "--reason", "why"), "Choose from: benign"),
        (("agree", "--label", "benign"), "Send a label only with the verdict 'corrected'"),
        (("disagree",), "reason"),
    ],
)
def test_a_decision_that_makes_no_sense_is_wrong_usage(
    cli: Cli, released: Ward, prediction: str, words: tuple[str, ...], message: str
) -> None:
    answer = cli("decide", prediction, *words, *released.as_("clinician"))
    assert answer.code == 2
    assert message in answer.err


def test_the_trace_is_told_in_japanese_with_the_manifests_words(
    cli: Cli, released: Ward, prediction: str
) -> None:
    shown = cli.done("trace", prediction, "--language", "ja", *released.as_("auditor"))
    assert "malignant (悪性)" in shown
    assert f"予測 {prediction}" in shown


def test_a_kept_trace_is_checked_elsewhere_and_a_changed_one_refused(
    cli: Cli, released: Ward, prediction: str, tmp_path: Path
) -> None:
    kept = tmp_path / "trace.json"
    told = cli.done("trace", prediction, "--json", *released.as_("auditor"))
    kept.write_text(told)
    key = ("--public-key", released.site / "keys" / "ledger.pub")
    assert "the manifest is the one that answered" in cli.done("trace", kept, *key)
    kept.write_text(told.replace("I have read the evaluation.", "I have not read anything."))
    assert "Refused" in cli.refused("trace", kept, *key)
    assert "There is no file" in cli.refused("trace", tmp_path / "none.json", *key)


@pytest.mark.parametrize("command", [("decide", "nothing", "agree"), ("trace", "nothing")])
def test_an_unknown_prediction_is_named(cli: Cli, released: Ward, command: tuple[str, ...]) -> None:
    assert "nothing" in cli.refused(*command, *released.as_("clinician"))


def test_roles_are_asked_for(cli: Cli, released: Ward, prediction: str) -> None:
    assert "may not decide" in cli.refused("decide", prediction, "agree", *released.as_("auditor"))
    assert "may not trace-read" in cli.refused("trace", prediction, *released.as_("operator"))
