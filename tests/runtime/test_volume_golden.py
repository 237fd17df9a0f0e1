from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from bedside.canonical import Json
from bedside.errors import GoldenMismatch, UsageError
from bedside.keys.signing import SigningKey
from bedside.package.golden import GoldenCase, LabelRuns, read_golden, write_golden
from bedside.package.manifest import Manifest
from bedside.package.package import Package, build_package, describe_entries, open_package
from bedside.runtime import volume_golden
from bedside.runtime.runner import load
from bedside.runtime.volume_golden import dice, golden_case, labels_of, runs_of
from tests.volume_packages import (
    A_NUMBER,
    THREE_SLIDING,
    TWO_WHOLE,
    Made,
    network,
    opened,
    volume_package,
)

EVERY = {"two": TWO_WHOLE, "three": THREE_SLIDING, "number": A_NUMBER}


@pytest.mark.parametrize("kind", EVERY)
def test_a_package_gives_its_golden_answers(kind: str) -> None:
    report = load(opened(EVERY[kind])).replay_golden()
    assert report.cases == 2
    assert report.largest_difference < 1e-6


def test_equal_arguments_give_equal_packages() -> None:
    assert volume_package() == volume_package()


def changed(made: Made, network: onnx.ModelProto | None = None, **changes: object) -> Package:
    """The same package with another network or other parts of the manifest, made to fit."""
    package = opened(made)
    entries = dict(package.entries)
    if network is not None:
        entries["model.onnx"] = network.SerializeToString(deterministic=True)
    told = package.manifest.model_copy(update={"entries": describe_entries(entries), **changes})
    return open_package(build_package(told, entries, SigningKey.new()))


def with_case(made: Made, **changes: Json) -> Package:
    """The same package whose first golden case says something else."""
    package = opened(made)
    first, *others = read_golden(package.entries["golden.json"])
    told = GoldenCase.model_validate({**first.model_dump(), **changes})
    entries = {
        **package.entries,
        "golden.json": write_golden((told, *others)),
    }
    manifest: Manifest = package.manifest.model_copy(update={"entries": describe_entries(entries)})
    return open_package(build_package(manifest, entries, None))


@pytest.mark.parametrize("kind", EVERY)
def test_another_weight_is_noticed(kind: str) -> None:
    other = network(EVERY[kind])
    (box,) = (one for one in other.graph.initializer if one.name == "box")
    values = numpy_helper.to_array(box).copy()
    values[0, 0, 1, 1, 1] *= 3
    box.CopyFrom(numpy_helper.from_array(values, "box"))
    with pytest.raises(GoldenMismatch, match=r"'drawn-0' of .* gets another answer"):
        load(changed(EVERY[kind], other))


def test_another_threshold_is_noticed() -> None:
    output = TWO_WHOLE.output
    assert output.kind == "segmentation"
    assert output.threshold is not None
    moved = output.threshold.model_copy(update={"value": 0.45})
    with pytest.raises(GoldenMismatch, match="'bright' differs by"):
        load(changed(TWO_WHOLE, postprocessing=output.model_copy(update={"threshold": moved})))


def test_labels_in_another_place_are_noticed_though_their_volume_is_the_same() -> None:
    case = opened().golden[0]
    assert case.segmentation is not None
    labels = labels_of(case.segmentation)
    moved = np.roll(labels, 1, axis=0)
    runs = case.segmentation.model_copy(update={"runs": runs_of(moved)})
    with pytest.raises(GoldenMismatch, match=r"'bright' overlaps by 0\.\d+ \(Dice\), below 0.99"):
        load(with_case(TWO_WHOLE, segmentation=runs.model_dump()))


def test_a_probability_that_moves_behind_equal_labels_is_noticed() -> None:
    case = opened().golden[0]
    assert case.segmentation is not None
    mean = case.segmentation.mean_probability + 0.006
    runs = case.segmentation.model_copy(update={"mean_probability": mean})
    with pytest.raises(GoldenMismatch, match=r"'mean probability' differs by 0.006, above 0.005"):
        load(with_case(TWO_WHOLE, segmentation=runs.model_dump()))


def test_a_class_that_no_longer_answers_is_noticed_though_no_voxel_was_of_it() -> None:
    """The recorded case has 0 mL of it, and what is no background is as probable as before."""
    output = THREE_SLIDING.output
    assert output.kind == "segmentation"
    case = opened(THREE_SLIDING).golden[0]
    kept = case.segmentation
    assert kept is not None
    assert kept.expected is not None
    assert set(kept.expected) == {"grey", "bright"}
    half = {**kept.expected, "bright": kept.expected["bright"] * 0.9}
    runs = kept.model_copy(update={"expected": half})
    with pytest.raises(GoldenMismatch, match=r"'probability of bright' differs by 0\.111"):
        load(with_case(THREE_SLIDING, segmentation=runs.model_dump()))


def test_a_case_of_before_classes_were_told_by_their_probabilities_is_replayed() -> None:
    case = opened(THREE_SLIDING).golden[0]
    assert case.segmentation is not None
    older = case.segmentation.model_dump(exclude={"expected"})
    assert load(with_case(THREE_SLIDING, segmentation=older)).replay_golden().cases == 2


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_a_number_of_any_size_may_differ_by_as_large_a_part(factor: float) -> None:
    def scaled(by: float) -> onnx.ModelProto:
        model = network(A_NUMBER)
        tensors = model.graph.initializer
        (box,) = (one for one in tensors if one.name == "box")
        box.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(box) * np.float32(by), "box"))
        return model

    recorded = opened(A_NUMBER).golden
    cases = [{"brightness": one.scores["brightness"] * factor} for one in recorded]

    def replayed(by: float) -> None:
        entries = {
            "model.onnx": scaled(by).SerializeToString(deterministic=True),
            "golden.json": write_golden(
                tuple(
                    one.model_copy(update={"scores": said})
                    for one, said in zip(recorded, cases, strict=True)
                )
            ),
        }
        manifest = opened(A_NUMBER).manifest
        told = manifest.model_copy(update={"entries": describe_entries(entries)})
        load(open_package(build_package(told, entries, None)))

    replayed(factor * 1.004)
    with pytest.raises(GoldenMismatch, match=r"'brightness' differs by 0\.006"):
        replayed(factor * 1.006)


def test_a_number_of_0_is_held_against_what_other_cases_record() -> None:
    def case(wanted: float) -> GoldenCase:
        return GoldenCase(id=f"{wanted}", input={}, label=None, scores={"brightness": wanted})

    most = volume_golden.largest_scores([case(0.0), case(-4.0)])
    assert most == {"brightness": 4.0}
    assert volume_golden.largest_scores([case(0.0)]) == {"brightness": 1.0}


def test_a_case_that_the_gate_refuses_is_told_without_its_value() -> None:
    row: dict[str, Json] = {**opened().golden[0].input, "body_part": "KNEE"}
    with pytest.raises(
        GoldenMismatch, match=r"does not pass .* 'body_part': out-of-domain"
    ) as told:
        load(with_case(TWO_WHOLE, input=row))
    assert "KNEE" not in str(told.value)


@given(st.integers(0, 2**16), st.integers(1, 4))
def test_runs_tell_any_label_map(seed: int, classes: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, (3, 4, 5)).astype(np.uint8)
    kept = LabelRuns(shape=(3, 4, 5), runs=runs_of(labels), mean_probability=0.0)
    assert (labels_of(kept) == labels).all()


def test_a_map_of_too_many_runs_is_no_golden_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_golden, "MAX_RUNS", 5)
    with pytest.raises(UsageError, match="6 runs is no golden case; at most 5"):
        runs_of((np.arange(6) % 2).astype(np.uint8).reshape(1, 2, 3))


def test_dice_is_twice_the_common_by_the_sum() -> None:
    one, other = np.zeros(10, dtype=np.bool_), np.zeros(10, dtype=np.bool_)
    assert dice(one, other) == 1
    one[:4] = other[2:4] = True
    assert dice(one, other) == pytest.approx(4 / 6)


def test_a_number_is_kept_without_a_label_map() -> None:
    case = opened(A_NUMBER).golden[0]
    assert case.segmentation is None
    assert set(case.scores) == {"brightness"}
    assert callable(golden_case)
