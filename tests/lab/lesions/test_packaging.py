from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bedside.canonical import canonical_bytes
from bedside.errors import UsageError
from bedside.freezing.circumstances import Circumstances
from bedside.imaging.phantoms import drawn_brain, drawn_head
from bedside.imaging.volume import Volume
from bedside.lab.brain.golden_heads import FLAIR
from bedside.lab.brain.run import open_run as open_brain_run
from bedside.lab.evaluating.regions import THRESHOLDS, Counted
from bedside.lab.lesions.drawing import SCALES
from bedside.lab.lesions.golden_heads import BRIGHT, GOLDEN
from bedside.lab.lesions.packaging import (
    TrainedLesions,
    best_threshold,
    frozen_lesions,
    lesion_spec,
    open_run,
    pooled_f1,
    validation,
)
from bedside.lab.lesions.recipe import operations, output
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.lesions.task import make
from bedside.lab.training.checkpoint import save_weights
from bedside.lab.training.diary import NAME
from bedside.lab.training.folder import BEST_WEIGHTS
from bedside.lab.training.judging import Judgement
from bedside.lab.training.record import write_record
from bedside.lab.training.training import Order, Trained
from bedside.package.card.markdown import card_markdown
from bedside.runtime.volume_preprocess import VolumePreprocess


@pytest.fixture(scope="module")
def folder(settings: LesionSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended as it began: with the weights of a new network."""
    settings = settings.model_copy(update={"spacing": 2.0})  # golden heads have fewer voxels
    place, task = tmp_path_factory.mktemp("runs"), make(settings)
    torch.manual_seed(1)
    weights = save_weights(place / BEST_WEIGHTS, task.network().state_dict())
    line = {"cases": 2, "step": 1, "validation": {"f1": 0.5}}
    (place / NAME).write_bytes(canonical_bytes(line) + b"\n")
    code = {"bedside": "1.2.3", "source": "sha256:0", "commit": None, "changed": None}
    ended = Trained(
        step=1,
        end="steps",
        judgement=Judgement(best=0.5, best_step=1, means={"f1": 0.5}),
        seconds=1.0,
        sessions=({"until": "2026-11-22T00:00:00Z", "code": code},),
        weights={BEST_WEIGHTS: weights},
    )
    write_record(Order("lesion-candidates", task, settings), ended, place)
    return place


@pytest.fixture(scope="module")
def run(folder: Path) -> TrainedLesions:
    return open_run(folder)


def test_a_run_becomes_a_package_for_research_only(run: TrainedLesions) -> None:
    spec = lesion_spec(run, 0.3, validation(run), "0.0.1")
    made = frozen_lesions(run, spec, Circumstances(tell=lambda _: None))
    manifest = made.package.manifest
    assert manifest.claim_level == "research"
    assert "RESEARCH ONLY" in card_markdown(manifest, "en")
    assert "研究専用" in card_markdown(manifest, "ja")
    assert "labels.json" not in manifest.model_dump_json()


def test_the_threshold_is_one_of_those_that_are_tried(run: TrainedLesions) -> None:
    assert best_threshold(run) in THRESHOLDS


def test_the_best_threshold_finds_many_and_few_wrongly() -> None:
    scan = [Counted(0.5, 10, 6, 2), Counted(0.5, 0, 0, 1)]
    assert pooled_f1(scan) == pytest.approx(12 / (12 + 4 + 3))
    assert pooled_f1([Counted(0.5, 4, 0, 0)]) == 0


def test_a_run_of_another_task_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="lesion-candidates"):
        open_brain_run(folder)


@pytest.mark.parametrize("stripped", [False, True])
def test_white_matter_comes_to_the_brightness_that_was_learned(stripped: bool) -> None:
    shape, spacing = (40, 50, 48), (4.5, 4.5, 4.5)
    head = drawn_head(shape, spacing, 5, FLAIR)
    values = head.values * drawn_brain(shape, spacing, 5) if stripped else head.values
    settings = LesionSettings()
    found = VolumePreprocess(operations(4.5, settings.network))(
        Volume(values.astype(np.float32), head.affine, head.facts)
    )
    white = found.tensor[np.abs(found.tensor - np.median(found.tensor[found.tensor > 0.3])) < 0.05]
    assert SCALES[0] < float(np.median(white)) < SCALES[1]


def test_candidates_that_are_smaller_than_any_that_was_drawn_are_left_out() -> None:
    (small,) = output(0.5, 3.0).operations
    assert small.op == "remove_small"
    assert small.least_millilitres == pytest.approx(0.003)


def test_the_golden_head_has_lesions() -> None:
    placed = GOLDEN[0].placed()
    assert int((placed.values == BRIGHT).sum()) == 5
    assert np.array_equal(placed.values, GOLDEN[0].placed().values)
