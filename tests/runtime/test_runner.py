import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from bedside.errors import (
    ConditionsNotMet,
    GoldenMismatch,
    InputRefused,
    PackageDamaged,
    PackageRefused,
    UsageError,
)
from bedside.keys.signing import SigningKey
from bedside.package.golden import GoldenCase
from bedside.package.outputs import MulticlassOutput, NumberOutput, OutputClass
from bedside.package.package import check_signature, open_package
from bedside.runtime import tabular_path
from bedside.runtime.runner import Runner, load
from tests.package.building import (
    ROWS,
    WEIGHTS,
    Recipe,
    conditions,
    expected_probability,
    golden_cases,
    model_of,
    network,
)


@pytest.fixture(scope="module")
def small() -> Runner:
    return load(Recipe().package())


def mismatch(recipe: Recipe) -> str:
    with pytest.raises(GoldenMismatch) as caught:
        load(recipe.package())
    return str(caught.value)


def test_a_row_goes_the_whole_way_to_a_label(small: Runner) -> None:
    (answer,) = small.predict(
        [{"radius": {"value": 0.0205, "unit": "mm"}, "sex": "male", "age": 71}]
    )
    assert answer.label == "malignant"
    assert answer.scores["malignant"] == pytest.approx(
        expected_probability(20.5, 71, "male"), abs=1e-6
    )
    assert answer.threshold == 0.5


def test_a_runner_knows_its_package(small: Runner) -> None:
    package = Recipe().package()
    assert (small.manifest.ref, small.digest) == ("small-tumour@1.2.3", package.digest)


def test_answers_keep_the_order_of_rows(small: Runner) -> None:
    assert [answer.label for answer in small.predict(ROWS)] == [
        case.label for case in golden_cases()
    ]


def test_the_replay_tells_how_near_it_came(small: Runner) -> None:
    report = small.replay_golden()
    assert (report.cases, report.tolerance) == (5, 1e-5)
    assert 0 < report.largest_difference < 1e-6


def test_an_input_outside_the_domain_is_refused_and_nothing_is_predicted(small: Runner) -> None:
    with pytest.raises(InputRefused) as caught:
        small.predict([*ROWS, {"radius": 100, "sex": "male"}])
    assert str(caught.value) == (
        "The gate refused the input: row 5, 'radius': out-of-range: got 100 in um; allowed: a "
        "number from 6 to 29 in um (mm is converted). Send values inside the model's declared domain; "
        "nothing was predicted."
    )
    with pytest.raises(UsageError):
        small.predict([])


def test_many_rows_are_taken_in_parts_and_give_the_same(
    small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(ROWS) * 5
    whole = small.predict(rows)
    monkeypatch.setattr(tabular_path, "ROWS_AT_ONCE", 7)
    parts = small.predict(rows)
    assert [answer.label for answer in parts] == [answer.label for answer in whole]
    assert [answer.scores["benign"] for answer in parts] == pytest.approx(
        [answer.scores["benign"] for answer in whole], abs=1e-7
    )


def test_several_threads_may_ask_at_once(small: Runner) -> None:
    expected = small.predict(ROWS)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: small.predict(ROWS), range(200)))
    assert all(answers == expected for answers in found)


def with_case(position: int, **changes: object) -> Recipe:
    cases = list(golden_cases())
    cases[position] = cases[position].model_copy(update=changes)
    return Recipe(golden=tuple(cases))


def test_a_golden_case_with_another_label_refuses_the_package() -> None:
    message = mismatch(with_case(1, label="benign"))
    assert message.startswith(
        "The golden case 'case-1' of small-tumour@1.2.3 must give 'benign' ('malignant' 0.979453"
    )
    assert "it gives 'malignant' ('malignant' 0.979453" in message


def test_a_golden_score_beyond_the_tolerance_refuses_the_package() -> None:
    scores = golden_cases()[3].scores
    nudged = {"benign": scores["benign"] + 2e-5, "malignant": scores["malignant"] - 2e-5}
    assert "'case-3'" in mismatch(with_case(3, scores=nudged))
    within = {name: score + 5e-6 for name, score in scores.items()}
    load(with_case(3, scores=within).package())


def test_every_score_is_compared_and_not_only_the_positive_one() -> None:
    scores = golden_cases()[2].scores
    assert "'case-2'" in mismatch(
        with_case(2, scores={**scores, "benign": scores["benign"] - 1e-3})
    )


def test_a_network_with_another_weight_is_refused_though_its_package_is_signed_anew() -> None:
    key = SigningKey.new()
    other = Recipe(network=network(weights=(2.001, *WEIGHTS[1:])))
    package = open_package(other.archive(key))
    check_signature(package, [key.public])
    with pytest.raises(GoldenMismatch, match="must give"):
        load(package)


def test_another_threshold_is_noticed_by_a_case_beside_it() -> None:
    output = Recipe().output
    assert output.kind == "binary"
    probability = golden_cases()[4].scores["malignant"]
    moved = output.threshold.model_copy(update={"value": probability - 1e-4})
    message = mismatch(Recipe(output=output.model_copy(update={"threshold": moved})))
    assert "'case-4'" in message or "'case-0'" in message


def test_a_golden_input_that_does_not_pass_the_gate_refuses_the_package() -> None:
    assert mismatch(with_case(0, input={"radius": 500, "sex": "male"})) == (
        "The golden case 'case-0' of small-tumour@1.2.3 does not pass the package's own gate: "
        "'radius': out-of-range. "
        "Freeze the model again."
    )


def test_a_network_of_another_width_than_declared_is_refused() -> None:
    with pytest.raises(PackageDamaged, match="the manifest declares one, 'x'"):
        load(Recipe(network=network(weights=WEIGHTS[:4])).package())


def test_conditions_are_asked_before_anything_is_loaded() -> None:
    with pytest.raises(ConditionsNotMet, match="riscv128"):
        load(Recipe(changes={"conditions": conditions(processor="riscv128")}).package())


def test_a_network_that_answers_nan_gives_an_error_and_never_a_label() -> None:
    recipe = Recipe(network=network(weights=(0.0,) * 5, intercept=float("nan")))
    with pytest.raises(PackageRefused, match="The model gave nan for row 0"):
        load(recipe.package())


def test_a_package_with_three_classes_goes_the_whole_way() -> None:
    scores = numpy_helper.from_array(np.eye(5, 3, dtype=np.float32), "weights")
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    columns = np.array([0.0, 1.0, 0.0])  # (radius 14, age 70): scaled 0, 1, no gap
    wanted = np.exp(columns) / np.exp(columns).sum()
    case = GoldenCase(
        id="old",
        input={"radius": 14, "sex": None, "age": 70},
        label="b",
        scores=dict(zip("abc", wanted.tolist(), strict=True)),
    )
    recipe = Recipe(
        network=model_of(nodes, [scores], (5, 3)),
        golden=(case,),
        output=MulticlassOutput(classes=tuple(OutputClass(label=label) for label in "abc")),
    )
    (answer,) = load(recipe.package()).predict([case.input])
    assert (answer.label, answer.threshold) == ("b", None)


def test_a_package_that_gives_a_number_goes_the_whole_way() -> None:
    total = numpy_helper.from_array(np.full((5, 1), 2.0, dtype=np.float64), "weights")
    nodes = [helper.make_node("MatMul", ["x", "weights"], ["probabilities"])]
    case = GoldenCase(
        id="one", input={"radius": 17.5, "sex": "male", "age": 50}, label=None, scores={"dose": 4.0}
    )
    recipe = Recipe(
        network=model_of(nodes, [total], (5, 1), TensorProto.DOUBLE),
        golden=(case,),
        output=NumberOutput(name="dose", unit="mg"),
    )
    declared = recipe.manifest().model.model_copy(update={"element": "float64"})
    recipe = dataclasses.replace(recipe, changes={"model": declared})
    (answer,) = load(recipe.package()).predict([case.input])
    assert (answer.label, answer.scores, answer.unit) == (None, {"dose": 4.0}, "mg")
