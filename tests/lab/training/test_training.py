"""A run is the same run however often it is put down."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bedside.canonical import digest
from bedside.errors import BedsideError, Conflict, NotFound, UsageError
from bedside.lab.training.checkpoint import last_checkpoint
from bedside.lab.training.diary import read_diary
from bedside.lab.training.folder import BEST_WEIGHTS, FINAL_WEIGHTS
from bedside.lab.training.settings import Precision
from bedside.lab.training.training import (
    Nobody,
    Order,
    Trained,
    go_on,
    train,
)
from tests.lab.training.tiny import BallSettings, BallTask, RowSettings, RowTask


class Steps(Nobody):
    """Counts steps, so that a run can be asked to stop after some of them."""

    def __init__(self) -> None:
        self.done = 0

    def stepped(self, step: int, loss: float) -> None:
        self.done = step


def order(settings: BallSettings, until: int = 10**9) -> Order:
    steps = Steps()
    return Order("balls", BallTask(settings), settings, lambda: steps.done >= until, steps)


def test_a_run_that_was_put_down_twice_ends_with_the_very_bits_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    settings = BallSettings(accumulate=2, batch=2)
    whole = train(order(settings), tmp_path / "whole")
    parts = tmp_path / "parts"
    assert train(order(settings, 5), parts).end == "asked"
    assert go_on(order(settings, 7), parts).step == 7
    again = go_on(order(settings), parts)
    assert (again.step, again.end) == (whole.step, whole.end) == (12, "steps")
    assert again.weights == whole.weights
    assert again.judgement == whole.judgement
    assert len(again.sessions) == 3
    assert _losses(parts) == _losses(tmp_path / "whole")


def _losses(folder: Path) -> list[dict[str, object]]:
    lines = read_diary(folder)
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def test_a_crash_costs_what_came_after_the_last_checkpoint_and_changes_nothing(
    tmp_path: Path,
) -> None:
    settings = BallSettings()
    whole = train(order(settings), tmp_path / "whole")

    class Crash(Steps):
        def stepped(self, step: int, loss: float) -> None:
            if step == 9:
                raise RuntimeError("the machine is gone")

    with pytest.raises(RuntimeError, match="gone"):
        train(Order("balls", BallTask(settings), settings, watch=Crash()), tmp_path / "early")
    assert go_on(order(settings), tmp_path / "early").weights == whole.weights  # from the start
    often = settings.model_copy(update={"checkpoint_minutes": 0.0})
    with pytest.raises(RuntimeError, match="gone"):
        train(Order("balls", BallTask(often), often, watch=Crash()), tmp_path / "late")
    assert last_checkpoint(tmp_path / "late").step == 8
    assert len(list((tmp_path / "late").glob("checkpoint-*.json"))) == 2
    assert go_on(order(settings), tmp_path / "late").weights == whole.weights


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(tmp_path: Path) -> None:
    settings = BallSettings(steps=3, checkpoint_minutes=0.0)
    whole = train(order(settings), tmp_path)
    last = sorted(tmp_path.glob("checkpoint-*.safetensors"))[-1]
    data = bytearray(last.read_bytes())
    data[-1] ^= 1
    last.write_bytes(data)
    assert last_checkpoint(tmp_path).step == 2
    assert go_on(order(settings), tmp_path).weights == whole.weights


def test_cases_prepared_by_workers_are_the_same_cases(tmp_path: Path) -> None:
    settings = BallSettings(steps=3, validate_every=3)
    here = train(order(settings), tmp_path / "here")
    workers = settings.model_copy(update={"workers": 1})
    assert train(order(workers), tmp_path / "workers").weights == here.weights


def test_a_run_goes_on_with_the_data_that_it_began_with_alone(tmp_path: Path) -> None:
    settings = RowSettings(steps=1)
    task = RowTask(settings)
    train(Order("rows", task, settings), tmp_path)
    task.data = (task.data[0].model_copy(update={"digest": digest(b"other")}),)
    with pytest.raises(UsageError, match="began with other data"):
        go_on(Order("rows", task, settings), tmp_path)


def test_products_in_fewer_bits_are_resumed_exactly_too(tmp_path: Path) -> None:
    settings = BallSettings(steps=4, precision="bfloat16", channels_last=True, workers=0)
    whole = train(order(settings), tmp_path / "whole")
    train(order(settings, 2), tmp_path / "parts")
    assert go_on(order(settings), tmp_path / "parts").weights == whole.weights
    full = settings.model_copy(update={"precision": "float32"})
    assert train(order(full), tmp_path / "full").weights != whole.weights
    with pytest.raises(UsageError, match="float16 needs a GPU"):
        train(order(settings.model_copy(update={"precision": "float16"})), tmp_path / "half")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_gpu_learns_and_is_resumed(
    tmp_path: Path, precision: Precision, deterministic: bool
) -> None:
    settings = BallSettings(
        steps=8, precision=precision, device="cuda", deterministic=deterministic
    )
    whole = train(order(settings), tmp_path / "whole")
    train(order(settings, 4), tmp_path / "parts")
    parts = go_on(order(settings), tmp_path / "parts")
    assert parts.judgement.best == pytest.approx(whole.judgement.best, abs=0.1)
    assert not deterministic or parts.weights == whole.weights


def test_another_seed_gives_another_network(tmp_path: Path) -> None:
    one = train(order(BallSettings(steps=1)), tmp_path / "one")
    other = train(order(BallSettings(steps=1, seed=2)), tmp_path / "other")
    assert one.weights != other.weights


def test_the_networks_of_the_tasks_learn(tmp_path: Path) -> None:
    balls = train(order(BallSettings(steps=60, ema=0.9)), tmp_path / "balls")
    assert balls.judgement.best > 0.5
    settings = RowSettings()
    rows = train(Order("rows", RowTask(settings), settings), tmp_path / "rows")
    lines = [
        line["validation"]["closeness"]
        for line in read_diary(tmp_path / "rows")
        if "validation" in line
    ]
    assert rows.judgement.best == lines[-1] > lines[0] / 3  # errors, as negative numbers


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    class Worse(RowTask):
        def metrics(
            self, network: torch.nn.Module, batch: dict[str, torch.Tensor]
        ) -> dict[str, float]:
            return {"closeness": 0.0}

    settings = RowSettings(validate_every=1, patience=3)
    found = train(Order("rows", Worse(settings), settings), tmp_path)
    assert (found.end, found.step, found.judgement.best_step) == ("patience", 4, 1)


def test_training_stops_when_its_time_is_over_and_can_go_on(tmp_path: Path) -> None:
    settings = RowSettings(minutes=1e-9)
    task = RowTask(settings)
    assert train(Order("rows", task, settings), tmp_path).end == "minutes"
    longer = settings.model_copy(update={"minutes": 0.0})
    assert go_on(Order("rows", task, longer), tmp_path).end == "steps"


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_its_checkpoints(tmp_path: Path) -> None:
    class Broken(RowTask):
        def loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            return super().loss(network, batch) * math.nan

    settings = RowSettings()
    with pytest.raises(BedsideError, match="loss is nan at step 0"):
        train(Order("rows", Broken(settings), settings), tmp_path)


def test_a_gradient_that_is_no_number_ends_the_run_before_it_changes_a_weight(
    tmp_path: Path,
) -> None:
    class Broken(RowTask):
        calls = 0

        def loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            self.calls += 1
            loss = super().loss(network, batch)
            return loss + (loss * 0).sqrt() if self.calls == 3 else loss  # 0, of slope 0 × infinity

    settings = RowSettings(steps=4, checkpoint_minutes=0.0)
    with pytest.raises(BedsideError, match="gradient is nan at step 2"):
        train(Order("rows", Broken(settings), settings), tmp_path)
    kept = last_checkpoint(tmp_path)
    assert kept.step == 2
    assert all(bool(one.isfinite().all()) for one in kept.tensors.values())
    go_on(Order("rows", RowTask(settings), settings), tmp_path)


def test_what_has_no_equal_bits_and_a_worker_that_died_are_told_in_words(tmp_path: Path) -> None:
    class Careless(RowTask):
        def loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            batch["row"].put_(torch.tensor([0]), torch.tensor([1.0]))  # torch does it in any order
            return super().loss(network, batch)

    class Dead(RowTask):
        def loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")

    settings = RowSettings(steps=1)
    with pytest.raises(BedsideError, match="put_ does not have") as refused:
        train(Order("rows", Careless(settings), settings), tmp_path / "careless")
    assert "deterministic=false" in refused.value.advice
    with pytest.raises(BedsideError, match="has died") as died:
        train(Order("rows", Dead(settings), settings), tmp_path / "dead")
    assert "fewer workers" in died.value.advice


def test_the_best_weights_are_kept_beside_the_last_ones(tmp_path: Path) -> None:
    class Falling(RowTask):
        calls = 0

        def metrics(
            self, network: torch.nn.Module, batch: dict[str, torch.Tensor]
        ) -> dict[str, float]:
            self.calls += 1
            return {"closeness": -float(self.calls)}

    settings = RowSettings(validate_every=5)
    found = train(Order("rows", Falling(settings), settings), tmp_path)
    best, final = (load_file(tmp_path / name) for name in (BEST_WEIGHTS, FINAL_WEIGHTS))
    assert found.judgement.best_step == 5
    assert not torch.equal(best["weight"], final["weight"])


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    settings = RowSettings(steps=1)
    train(Order("rows", RowTask(settings), settings), tmp_path)
    with pytest.raises(Conflict, match="holds a run already"):
        train(Order("rows", RowTask(settings), settings), tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no whole checkpoint"):
        go_on(Order("rows", RowTask(settings), settings), tmp_path / "empty")


def test_two_processes_never_train_one_run(tmp_path: Path) -> None:
    settings = RowSettings(steps=2)

    class Meanwhile(Nobody):
        def stepped(self, step: int, loss: float) -> None:
            with pytest.raises(Conflict, match="by another process"):
                go_on(Order("rows", RowTask(settings), settings), tmp_path)

    assert train(Order("rows", RowTask(settings), settings, watch=Meanwhile()), tmp_path).step == 2


@contextmanager
def full_disk() -> Iterator[None]:
    """Let this process write nothing into any file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_costs_a_checkpoint_and_not_the_run(tmp_path: Path) -> None:
    heard: list[str] = []

    class Ears(Nobody):
        def __init__(self, disk: ExitStack) -> None:
            self.disk = disk

        def troubled(self, words: str) -> None:
            heard.append(words.partition(":")[0])

        def stepped(self, step: int, loss: float) -> None:
            if step == 1:
                self.disk.enter_context(full_disk())
            if step == 3:
                self.disk.close()

    settings = RowSettings(steps=4, checkpoint_minutes=0.0, log_every=1, validate_every=1)
    with ExitStack() as disk:
        order = Order("rows", RowTask(settings), settings, watch=Ears(disk))
        found = train(order, tmp_path)
    assert found.end == "steps"
    assert heard == [
        words
        for step in (1, 2)
        for words in (
            f"The log cannot be written at step {step}",
            f"The log cannot be written at step {step}",
            f"The best weights cannot be written at step {step}",
            f"No checkpoint at step {step}",
        )
    ]
    assert [line["step"] for line in read_diary(tmp_path)] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert found.weights[BEST_WEIGHTS] == digest((tmp_path / BEST_WEIGHTS).read_bytes())
    assert last_checkpoint(tmp_path).step == 4


def test_best_weights_that_the_disk_refused_are_written_at_the_end(tmp_path: Path) -> None:
    class Falling(RowTask):
        calls = 0

        def metrics(
            self, network: torch.nn.Module, batch: dict[str, torch.Tensor]
        ) -> dict[str, float]:
            self.calls += 1
            return {"closeness": -float(self.calls)}

    class Ears(Nobody):
        def __init__(self, disk: ExitStack) -> None:
            self.disk = disk

        def stepped(self, step: int, loss: float) -> None:
            if step == 1:
                self.disk.enter_context(full_disk())
            else:
                self.disk.close()

    settings = RowSettings(steps=2, validate_every=1)
    with ExitStack() as disk:
        found = train(Order("rows", Falling(settings), settings, watch=Ears(disk)), tmp_path)
    assert found.judgement.best_step == 1
    assert found.weights[BEST_WEIGHTS] == digest((tmp_path / BEST_WEIGHTS).read_bytes())


def test_a_run_that_cannot_be_written_at_its_end_says_so(tmp_path: Path) -> None:
    settings = RowSettings(steps=1)

    class Ears(Nobody):
        def __init__(self, disk: ExitStack) -> None:
            self.disk = disk

        def stepped(self, step: int, loss: float) -> None:
            self.disk.enter_context(full_disk())

    with ExitStack() as disk, pytest.raises(BedsideError, match="cannot be written"):
        train(Order("rows", RowTask(settings), settings, watch=Ears(disk)), tmp_path)


def test_what_a_killed_process_left_half_written_is_swept_away(tmp_path: Path) -> None:
    settings = RowSettings(steps=1)
    tmp_path.joinpath(".checkpoint-00000009.safetensors.incoming-77").write_bytes(b"half")
    tmp_path.joinpath("checkpoint-00000009.safetensors").write_bytes(b"whose JSON never came")
    train(Order("rows", RowTask(settings), settings), tmp_path)
    names = {path.name for path in tmp_path.glob("*checkpoint-*")}
    assert names == {"checkpoint-00000001.safetensors", "checkpoint-00000001.json"}


def test_a_run_starts_from_the_weights_of_another(
    tmp_path: Path, recorded: Callable[[Order, Path], tuple[Trained, str]]
) -> None:
    _, record = recorded(order(BallSettings()), tmp_path / "first")
    settings = BallSettings(steps=1, lr=1e-30, ema=0.0, start=str(tmp_path / "first"))
    second = train(order(settings), tmp_path / "second")
    assert second.parent == record
    before, after = (
        load_file(tmp_path / "first" / BEST_WEIGHTS),
        load_file(tmp_path / "second" / FINAL_WEIGHTS),
    )
    assert torch.equal(before["0.weight"], after["0.weight"])
    wider = BallSettings(network={"width": 5}, start=str(tmp_path / "first"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="of another network"):
        train(order(wider), tmp_path / "third")
