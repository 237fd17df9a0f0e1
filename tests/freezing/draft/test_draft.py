from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bedside.errors import UsageError
from bedside.freezing.draft.asked import ASKED, question
from bedside.freezing.draft.draft import draft_spec
from bedside.freezing.draft.facts import ModelFacts, TensorFacts
from bedside.freezing.draft.unanswered import refuse_unanswered
from bedside.freezing.frames import read_rows
from bedside.freezing.freeze import freeze
from bedside.freezing.spec import Spec, read_spec
from tests.freezing.building import WHEN, clinic, outcome
from tests.freezing.draft.filling import filled

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-spec.md"
DETAILS = {
    *("description", "shown", "label", "classes", "value", "meaning", "lower", "upper", "n"),
    *("confidence", "method", "mean", "deviation", "filter", "centre", "scale", "gives"),
    *("column", "most_elongated"),
}
"""What a draft explains beside its line, and a page need not."""

REQUIRED = (
    *("licence", "intended_use.en", "not_for.en", "claim_level"),
    *("origin.data[0].licence", "origin.data[0].consent_basis"),
    *("evaluation.data.licence", "evaluation.data.consent_basis"),
)
"""What the manifest cannot know, and a draft must not invent."""


def spec_of(text: str, folder: Path) -> Spec:
    path = folder / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return read_spec(path)


def test_a_draft_of_real_data_is_filled_read_and_frozen(tmp_path: Path) -> None:
    cancer = load_breast_cancer(as_frame=True)
    rows, table = cancer.data.iloc[:, :5], tmp_path / "wdbc.csv"
    cancer.frame.to_csv(table, index=False)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, cancer.target)
    facts = ModelFacts(
        file="wdbc.joblib",
        gives="classes",
        classes=(0, 1),
        names=tuple(model.feature_names_in_.tolist()),
    )
    draft = draft_spec(table, facts)
    assert "fields[4] ('mean smoothness').unit" in open_places(draft)
    spec = spec_of(filled(draft, ("ill", "well")), tmp_path)
    assert [field.name for field in spec.fields] == list(rows.columns)
    assert spec.origin.data[0].rows == 569
    frozen = freeze(model, data=read_rows(table, spec.fields), spec=spec, frozen_at=WHEN)
    assert frozen.package.manifest.ref == "wdbc@1.0.0"


def test_a_draft_of_gaps_codes_and_japanese_headers_is_filled_read_and_frozen(
    tmp_path: Path,
) -> None:
    names = {"age": "年齢", "creatinine": "クレアチニン", "sodium": "Na", "site": "部位"}
    frame, table = clinic(), tmp_path / "clinic.csv"
    rows = frame.rename(columns=names)
    rows.to_csv(table, index=False)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    codes = OneHotEncoder(handle_unknown="ignore")
    steps = [("n", numbers, ["年齢", "クレアチニン", "Na", "stage"]), ("c", codes, ["部位"])]
    model = Pipeline([("prepare", ColumnTransformer(steps)), ("classify", LogisticRegression())])
    model.fit(rows, outcome(frame))
    facts = ModelFacts(gives="classes", classes=(0, 1), names=tuple(rows.columns))
    draft = draft_spec(table, facts)
    answered = tomllib.loads(draft)
    assert answered["languages"] == ["en", "ja"]
    age, creatinine, _, site, stage = answered["fields"]
    assert (age["name"], age["whole"], age["missing"]) == ("年齢", True, "refuse")
    assert (creatinine["missing"], "whole" in creatinine) == ("allow", False)
    assert (site["categories"], site["missing"]) == (["both", "left", "right"], "allow")
    assert stage["kind"] == "number"
    assert "Only 3 different values (1, 2, 3)" in draft
    spec = spec_of(filled(draft, ("well", "ill")), tmp_path)
    frozen = freeze(model, data=read_rows(table, spec.fields), spec=spec, frozen_at=WHEN)
    assert frozen.package.manifest.input.kind == "tabular"


def open_places(draft: str) -> str:
    with pytest.raises(UsageError) as caught:
        refuse_unanswered(tomllib.loads(draft))
    return caught.value.message


DRAFTS = {
    "nothing is known": draft_spec(),
    "a classifier": draft_spec(model=ModelFacts(gives="classes", classes=("no", "yes", "maybe"))),
    "a regressor": draft_spec(model=ModelFacts(gives="number", columns=3)),
    "a network of pictures": draft_spec(
        model=ModelFacts(
            network=True,
            inputs=(TensorFacts("x", "float32", ("n", 3, 224, 224)),),
            outputs=(TensorFacts("a", "float32", ("n", 2)), TensorFacts("b", "float32", (None,))),
        )
    ),
    "a network of a table": draft_spec(
        model=ModelFacts(network=True, inputs=(TensorFacts("x", "float32", ("n", 4)),))
    ),
}


@pytest.mark.parametrize("draft", DRAFTS.values(), ids=DRAFTS.keys())
class TestEveryDraft:
    def test_asks_what_the_manifest_cannot_know(self, draft: str) -> None:
        told = open_places(draft)
        for place in REQUIRED:
            assert place in told, place

    def test_asks_each_open_place_in_words(self, draft: str) -> None:
        for line in open_places(draft).splitlines()[1:]:
            assert re.fullmatch(r"  [a-z_.0-9\[\]() ',]+: .+", line), line

    def test_has_a_question_beside_each_open_line(self, draft: str) -> None:
        for line in draft.splitlines():
            if '"?"' in line and not line.startswith("#"):
                assert " # " in line, line

    def test_is_refused_until_it_is_confirmed(self, draft: str, tmp_path: Path) -> None:
        path = tmp_path / "spec.toml"
        path.write_text(draft, encoding="utf-8")
        with pytest.raises(UsageError, match="The spec is a draft"):
            read_spec(path)

    def test_says_at_its_top_what_to_do(self, draft: str) -> None:
        head = draft.split("\ndraft = true", maxsplit=1)[0]
        assert 'Replace every "?"' in head
        assert "# PROPOSED" in head
        assert "Remove the line `draft = true`" in head


def test_a_proposal_that_nobody_confirmed_is_not_frozen(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age\n61\n44\n", encoding="utf-8")
    draft = draft_spec(table, ModelFacts(gives="classes", classes=("ill", "well")))
    answered = "draft = true\n" + filled(draft)
    with pytest.raises(UsageError, match="nobody has confirmed"):
        spec_of(answered, tmp_path)
    assert spec_of(filled(draft), tmp_path).fields[0].name == "age"


def test_whatever_a_header_or_a_code_holds_stays_inside_its_quotes(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    hostile = ['x"\nname = "taken"', "y # z", "\u202ereversed", "'''", "\\", "a\x7fb", "\U000e0001"]
    frame = pd.DataFrame({name: ["]\n[output]", 'b"', "c\r"] for name in hostile})
    frame.to_csv(table, index=False, quoting=csv.QUOTE_ALL)
    draft = draft_spec(table, ModelFacts(file='e"\nvil = 1.pkl', algorithm="a\nb = 2"))
    answers = tomllib.loads(draft)
    assert [field["name"] for field in answers["fields"]] == hostile
    assert answers["fields"][0]["categories"] == sorted(["]\n[output]", 'b"', "c\r"])
    assert not {"vil", "b"} & set(answers)
    assert "\u202e" not in draft


def test_equal_inputs_give_equal_drafts(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    clinic().to_csv(table, index=False)
    assert draft_spec(table) == draft_spec(table)


def test_columns_that_the_model_does_not_take_are_named_and_left_out(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("id,age,died\n1,61,0\n2,44,1\n", encoding="utf-8")
    draft = draft_spec(table, ModelFacts(names=("age", "sex")))
    assert "does not take: id, died" in draft
    assert [field["name"] for field in tomllib.loads(draft)["fields"]] == ["age", "sex"]
    assert "not a column of rows.csv" in draft


def test_free_text_and_empty_columns_are_asked_about_and_not_proposed(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    lines = "".join(f"patient {i},\n" for i in range(30))
    table.write_text(f"name,nothing\n{lines}", encoding="utf-8")
    fields = tomllib.loads(draft_spec(table))["fields"]
    assert [field["kind"] for field in fields] == ["?", "?"]


def test_a_question_is_found_with_and_without_a_language() -> None:
    assert question(("title", "ja")) == question(("title",)) != ""
    assert question(("fields", 3, "unit")).startswith("its unit")
    assert question(("no", "such", "place")) == ""


def test_the_page_tells_of_every_answer_and_its_program_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z_]+)`", page))
    asked = {name for key in ASKED for name in re.split(r"\[\]|\.", key) if name}
    left = asked - told - DETAILS
    assert not left
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    Path("rows.csv").write_text("age\n61\n44\n", encoding="utf-8")
    exec(compile(program, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    assert tomllib.loads(Path("spec.toml").read_text(encoding="utf-8"))["draft"] is True


def test_a_draft_for_a_network_of_a_table_is_filled_and_read(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age,sodium\n61,140.5\n44,138.2\n", encoding="utf-8")
    facts = ModelFacts(network=True, inputs=(TensorFacts("x", "float32", ("n", 2)),))
    changes = {
        "network.gives": '"logit"',
        "output.kind": '"binary"',
        "preprocessing.centre": "[60.0, 140.0]",
        "preprocessing.scale": "[20.0, 4.0]",
    }
    spec = spec_of(filled(draft_spec(table, facts), ("well", "ill"), **changes), tmp_path)
    assert [one.op for one in spec.preprocessing] == ["select_numbers", "standardise"]
    assert spec.network is not None
    assert spec.network.gives == "logit"


def test_a_draft_for_a_number_is_filled_and_read(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age\n61\n44\n", encoding="utf-8")
    changes = {"output.name": '"eGFR"', "output.unit": '"mL/min"'}
    draft = draft_spec(table, ModelFacts(gives="number", names=("age",)))
    assert spec_of(filled(draft, (), **changes), tmp_path).output.kind == "number"
