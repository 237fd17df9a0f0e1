"""What may be set of a training; a task adds its own, and changes defaults."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.errors import UsageError
from bedside.package.fields import Frozen

Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Field(ge=0)]


class Settings(Frozen):
    """Settings that every task has.

    Attributes:
        seed: Decides the first weights, the cases and their order.
        steps: Steps of the optimiser.
        batch: Cases in one batch.
        accumulate: Batches whose gradients make one step.
        lr: Largest learning rate, of AdamW.
        warmup: Steps in which the rate rises to it, in a straight line from 0.
        schedule: How it falls afterwards: a half cosine, or not at all.
        final_lr: Share of the rate that is left at the last step of a cosine.
        betas: AdamW's two decays.
        weight_decay: AdamW's; not of biases and norms, whose weights have one axis.
        clip: Largest norm of the gradient; 0 clips nothing.
        ema: Decay of the running mean of the weights, by which the network is judged; 0 keeps none.
        precision: What products are computed in; weights and sums stay float32.
        device: `auto` takes a GPU where there is one.
        threads: Of the CPU; 0 leaves it to torch. Another number may change the last bits.
        workers: Processes that prepare cases; 0 prepares them in between.
        deterministic: Only algorithms that give equal bits every time.
        channels_last: The network's and the images' order in memory.
        validate_every: Steps from one validation to the next.
        patience: Validations without a better score after which training stops; 0 never does.
        minutes: Longest time of training, all sessions together; 0 is no limit.
        checkpoint_minutes: Time from one checkpoint to the next.
        log_every: Steps of which the log holds one line, with their mean loss.
        start: Folder of another run whose best weights are the first ones; empty draws them anew.
        mlflow: Address of an MLflow server that gets a copy; empty is none.
    """

    seed: Count = 1
    steps: Annotated[int, Field(ge=1)] = 1_000
    batch: Annotated[int, Field(ge=1)] = 1
    accumulate: Annotated[int, Field(ge=1)] = 1
    lr: Annotated[float, Field(gt=0)] = 1e-3
    warmup: Count = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    final_lr: Share = 0.01
    betas: tuple[Share, Share] = (0.9, 0.95)
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip: Annotated[float, Field(ge=0)] = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998
    precision: Precision = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=0, le=1_024)] = 0
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    deterministic: bool = True
    channels_last: bool = False
    validate_every: Annotated[int, Field(ge=1)] = 500
    patience: Count = 0
    minutes: Annotated[float, Field(ge=0)] = 0.0
    checkpoint_minutes: Annotated[float, Field(ge=0)] = 10.0
    log_every: Annotated[int, Field(ge=1)] = 10
    start: str = ""
    mlflow: str = ""

    @model_validator(mode="after")
    def _decays_are_below_one(self) -> Self:
        if max(self.betas) >= 1:
            raise ValueError(f"betas {self.betas} must be below 1")
        return self


def same_run(before: Settings, after: Settings) -> None:
    """Check that a run can go on with other settings: only what changes no weight may differ.

    Raises:
        UsageError: names the setting that may not change.
    """
    for name in type(before).model_fields:
        if name not in CHANGEABLE and getattr(before, name) != getattr(after, name):
            raise UsageError(
                f"{name} was {getattr(before, name)!r} when this run began, and cannot become "
                f"{getattr(after, name)!r}.",
                advice=f"These can: {', '.join(sorted(CHANGEABLE))}. Or begin another run.",
            )


CHANGEABLE = frozenset(
    {"checkpoint_minutes", "log_every", "minutes", "mlflow", "patience", "workers"}
)
"""What may be set anew when a run goes on."""
