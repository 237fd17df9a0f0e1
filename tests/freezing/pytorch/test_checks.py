"""Each mistake is found, and told with its layer, the author's line and what to change."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody imports it
from torch import nn

from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.pytorch import prepare
from bedside.freezing.pytorch.module import module_in_memory
from bedside.freezing.pytorch.source import TorchModel, translate_module
from tests.freezing.pytorch.networks import Convolutions, Perceptron, Rows, network, rows


class Base(nn.Module):
    """Four values in, four scores out; what lies between is each mistake's own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 4)
        self.head = nn.Linear(4, 4)

    def between(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.head(self.between(self.body(x)))
        return made


def refusal(module: nn.Module, given: Rows | None = None) -> FreezeRefused:
    """Return how `module` is refused."""
    with pytest.raises(FreezeRefused) as caught:
        translate(module, given)
    assert caught.value.advice
    assert not re.search(r"(/\w+){2}", caught.value.message), "a folder of this machine"
    return caught.value


def translate(module: nn.Module, given: Rows | None = None) -> TorchModel:
    return translate_module(module_in_memory(module), rows(4, 4) if given is None else given)


class TestRandomness:
    def test_functional_dropout_is_told_with_its_line(self) -> None:
        class Forgotten(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return F.dropout(x, 0.3)

        told = refusal(network(Forgotten))
        assert "dropout (p = 0.3) stays active in the forward of Forgotten" in told.message
        assert "test_checks.py, line" in told.message
        assert "self.head(self.between(self.body(x)))" in told.message
        assert "training=self.training" in told.advice

    def test_dropout_in_an_inner_layer_is_told_with_the_layers_path(self) -> None:
        class Inner(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return F.dropout1d(x, 0.3)

        told = refusal(nn.Sequential(nn.Linear(4, 4), nn.Sequential(Inner(), nn.Linear(4, 4))))
        assert "in the layer '1.0' (Inner)" in told.message

    def test_attention_that_drops_in_evaluation_too(self) -> None:
        class Attends(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                query = x[:, None, None]
                return F.scaled_dot_product_attention(query, query, query, dropout_p=0.1)[:, 0, 0]

        told = refusal(network(Attends))
        assert "dropout (p = 0.1) of attention stays active" in told.message
        assert "if self.training else 0.0" in told.advice

    def test_dropout_kept_active_on_purpose(self) -> None:
        class MonteCarlo(nn.Dropout):
            def train(self, mode: bool = True) -> MonteCarlo:
                super().train(True)
                return self

        told = refusal(nn.Sequential(nn.Linear(4, 4), MonteCarlo(), nn.Linear(4, 4)))
        assert "keeps '1' (MonteCarlo) in training mode" in told.message
        assert "train() method" in told.advice

    def test_random_numbers_of_pytorch(self) -> None:
        class Noisy(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return x + torch.randn_like(x)

        told = refusal(network(Noisy))
        assert "random numbers (randn_like) in the forward of Noisy" in told.message
        assert "buffer" in told.advice

    def test_random_numbers_from_elsewhere_name_the_first_layer_that_differs(self) -> None:
        class Shaken(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x * (1 + random.random())  # noqa: S311 - the mistake

        told = refusal(nn.Sequential(nn.Linear(4, 4), Shaken(), nn.Linear(4, 4)))
        assert (
            "differently each time; the first to differ is the layer '1' (Shaken)" in told.message
        )
        assert "numpy.random" in told.advice

    def test_random_numbers_between_two_layers_name_both(self) -> None:
        class Shaken(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return x * (1 + random.random())  # noqa: S311 - the mistake

        told = refusal(network(Shaken))
        assert (
            "the code after the layer 'body' (Linear) and before the layer 'head'" in told.message
        )

    def test_dropout_that_follows_the_mode_is_no_finding(self) -> None:
        class Right(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return F.dropout(x, 0.3, training=self.training)

        translate(network(Right))


class TestState:
    def test_a_buffer_that_changes(self) -> None:
        class Counts(Base):
            seen: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("seen", torch.zeros(1))

            def between(self, x: torch.Tensor) -> torch.Tensor:
                self.seen += 1.0
                return x

        told = refusal(network(Counts))
        assert "keeps something from one input for the next, in seen" in told.message
        assert "no memory" in told.advice

    def test_something_remembered_in_python(self) -> None:
        class Remembers(Base):
            scale = 1.0

            def between(self, x: torch.Tensor) -> torch.Tensor:
                self.scale += 1.0
                return x * self.scale

        assert "differently each time" in refusal(network(Remembers)).message


class TestRowsThatLookAtEachOther:
    def test_batch_norm_without_running_statistics(self) -> None:
        told = refusal(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)))
        assert "takes its statistics from the batch in the layer '1' (BatchNorm1d)" in told.message
        assert "track_running_stats=True" in told.advice

    def test_batch_norm_told_to_train(self) -> None:
        class Trains(nn.BatchNorm1d):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return F.batch_norm(x, self.running_mean, self.running_var, training=True)

        told = refusal(nn.Sequential(nn.Linear(4, 4), Trains(4)))
        assert "statistics from the batch in the layer '1' (Trains)" in told.message

    def test_a_recurrent_layer_that_takes_rows_for_steps(self) -> None:
        class Series(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.read = nn.GRU(4, 8)
                self.head = nn.Linear(8, 2)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                made: torch.Tensor = self.head(self.read(x)[0][:, -1])
                return made

        told = refusal(network(Series), rows(4, 10, 4))
        assert "alone otherwise than among 4 rows" in told.message
        assert "the layer 'read' (GRU)" in told.message
        assert "batch_first=True" in told.advice

    def test_a_mean_over_the_rows(self) -> None:
        class Centres(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return x - x.mean(0)

        told = refusal(network(Centres))
        assert (
            "the code after the layer 'body' (Linear) and before the layer 'head'" in told.message
        )

    def test_a_squeeze_that_takes_the_rows_away(self) -> None:
        class Squeezes(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head = nn.Linear(4, 1)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                made: torch.Tensor = self.head(x)
                return made.squeeze()

        told = refusal(network(Squeezes))
        assert "of a single number for one row" in told.message
        assert "squeeze(1)" in told.advice

    def test_another_answer_for_a_single_row(self) -> None:
        class Single(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return x if x.shape[0] > 1 else -x

        assert "answers row 0 alone otherwise" in refusal(network(Single)).message

    def test_a_number_of_rows_written_out(self) -> None:
        class Fixed(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return x.view(32, 4)

        told = refusal(network(Fixed))
        assert "Fixed.forward, at test_checks.py, line" in told.message
        assert "x.shape[0]" in told.advice


class TestShapes:
    @pytest.mark.parametrize(
        ("last", "said", "way"),
        [
            (lambda x: x.mean(), "of a single number for 4 rows", "a loss is none"),
            (lambda x: x.T, "the shape 8 × 4", "The first axis must be the rows"),
            (lambda x: x[:, None].repeat(1, 3, 1), "the shape 4 × 3 × 8", "pool over"),
            (lambda x: x.argmax(1), "gives int64, not scores", "not the class that argmax takes"),
            (lambda x: [x, x], "a list of 2 outputs", "Say which output"),
        ],
    )
    def test_an_output_that_is_no_row_of_scores(
        self, last: Callable[[torch.Tensor], object], said: str, way: str
    ) -> None:
        class Shaped(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head = nn.Linear(4, 8)

            def forward(self, x: torch.Tensor) -> object:
                return last(self.head(x))

        told = refusal(network(Shaped))
        assert said in told.message
        assert way in told.advice

    def test_an_input_of_another_size_than_trained_on(self) -> None:
        told = refusal(network(Convolutions), rows(4, 1, 96, 96))
        assert "in the layer 'head.2' (Linear)" in told.message
        assert "declare the same Resize" in told.advice

    def test_an_input_with_other_channels(self) -> None:
        told = refusal(network(Convolutions), rows(4, 3, 64, 64))
        assert "in the layer 'features.0' (Conv2d)" in told.message
        assert "as many channels" in told.advice

    def test_a_second_input(self) -> None:
        class Clinical(Base):
            def forward(self, x: torch.Tensor, age: torch.Tensor | None = None) -> torch.Tensor:
                if age is None:
                    raise TypeError("forward() missing 1 required positional argument: 'age'")
                return super().forward(x) + age

        assert "joined in one" in refusal(network(Clinical)).advice


class TestNumbers:
    def test_nan_on_data_names_the_first_layer(self) -> None:
        class Logarithm(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.log(x)

        told = refusal(nn.Sequential(nn.Linear(4, 4), Logarithm(), nn.Linear(4, 2)))
        assert (
            "NaN or infinity on your data; the first is the layer '1' (Logarithm)" in told.message
        )
        assert "division by zero" in told.advice

    def test_weights_that_are_no_numbers_are_named(self) -> None:
        own = network(Perceptron)
        with torch.no_grad():
            own.get_parameter("layers.4.weight")[0, :2] = torch.tensor([float("nan"), float("inf")])
        told = refusal(own, rows(4, 12))
        assert "'layers.4.weight' (2 of 96)" in told.message
        assert "checkpoint" in told.advice

    def test_a_mask_of_infinities_is_no_weight(self) -> None:
        class Masked(Base):
            mask: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("mask", torch.full((4, 4), -torch.inf).triu(1))

            def between(self, x: torch.Tensor) -> torch.Tensor:
                return (x[:, None] + self.mask).softmax(-1).mean(1)

        translate(network(Masked))

    def test_weights_without_values(self) -> None:
        with torch.device("meta"):
            own = Base()
        with pytest.raises(
            FreezeRefused, match=r"'body\.weight' of Base lies on the device 'meta'"
        ):
            prepare.refuse_not_finite(own, "Base")

    @pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
    def test_quantised_layers_are_named(self) -> None:
        class Quantised(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = nn.Parameter(
                    torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
                    requires_grad=False,
                )

        with pytest.raises(FreezeRefused, match=r"quantised or complex weights: '0\.weight'"):
            prepare.refuse_quantised(nn.Sequential(Quantised()), "Quantised")

    def test_more_weights_than_an_onnx_file_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prepare, "MAX_WEIGHTS", 100)
        with pytest.raises(LimitExceeded, match="of weights; an ONNX file holds"):
            translate(network(Perceptron), rows(4, 12))


class TestPrecision:
    @pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
    def test_other_precisions_are_converted_openly(self, kind: torch.dtype) -> None:
        model = translate(network(Perceptron).to(kind), rows(4, 12))
        (note,) = [one for one in model.notes if "single precision" in one]
        assert f"in {str(kind).removeprefix('torch.')}" in note
        assert "changes its output by at most" in note

    def test_mixed_precision_that_cannot_run_is_said_to_be_unmeasured(self) -> None:
        own = network(Base)
        own.get_submodule("head").half()
        (note,) = [one for one in translate(own).notes if "single precision" in one]
        assert "2 in float32, 2 in float16" in note
        assert "was not measured" in note

    def test_a_conversion_that_changes_the_answer_is_refused(self) -> None:
        class Coarse(Base):
            def between(self, x: torch.Tensor) -> torch.Tensor:
                return (x + 4096) - 4096

        told = refusal(network(Coarse).half())
        assert "changes its output by" in told.message
        assert "model.float()" in told.advice
