"""A saved model: what kind of file it is, and what its author says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from bedside.canonical import Json
from bedside.errors import NotFound, UsageError
from bedside.freezing.strangers import refuse_code

Kind: TypeAlias = Literal["estimator", "skops", "torch", "onnx", "mlflow", "monai"]

SUFFIXES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "estimator": (".joblib", ".pkl", ".pickle"),
    "skops": (".skops",),
    "torch": (".pth", ".pt", ".ckpt", ".safetensors"),
    "onnx": (".onnx",),
}

FOLDER: Final = "MLmodel"
"""The file that makes a folder an MLflow model."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A saved model.

    Attributes:
        path: A `.joblib`, `.pkl` or `.skops` file of scikit-learn, a `.pth`, `.pt`, `.ckpt` or
            `.safetensors` file of PyTorch, an `.onnx` file, or the folder of an MLflow model.
        i_made_this: The author's word that they made the file themselves, which lets code that
            lies in it run.
        module: The author's class of a PyTorch network, as `file.py:Class`; naming it is the
            author's word that this file may be run.
        arguments: What the class is constructed with; goes before `[network.arguments]`.
    """

    path: Path
    i_made_this: bool = False
    module: str | None = None
    arguments: Mapping[str, Json] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What kind of file it is, by its name.

        Raises:
            NotFound: there is no such file.
            UsageError: of no kind that can be frozen.
        """
        if (self.path / FOLDER).is_file():
            return "mlflow"
        if not self.path.exists():
            raise NotFound(
                f"There is no file {str(self.path)!r}.", advice="Give the path of a saved model."
            )
        for kind, suffixes in SUFFIXES.items():
            if self.path.is_file() and self.path.suffix.lower() in suffixes:
                return kind
        known = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
        raise UsageError(
            f"{self.path.name!r} is no {known} file, and no folder of an MLflow model.",
            advice="Save a scikit-learn model with skops.io.dump or joblib.dump, a PyTorch network "
            "with torch.save(model.state_dict(), …), others as ONNX.",
        )

    def refuse_strangers(self) -> None:
        """Refuse what could run code of somebody else; the author's word lets it pass.

        Raises:
            FreezeRefused: reading the file would run code; lists what it imports.
            UsageError: the file can hold no model, or a class is named for what needs none.
        """
        kind = self.kind
        if self.module is not None and kind not in ("torch", "mlflow"):
            raise UsageError(
                f"--module names the class of a PyTorch network, and {self.path.name!r} is none.",
                advice="Leave --module out.",
            )
        if self.i_made_this or kind not in ("estimator", "torch"):
            return
        refuse_code(self.path)
        if kind == "estimator":
            raise UsageError(
                f"{self.path.name!r} holds numbers and names only, and no model.",
                advice="Save the fitted model with joblib.dump(model, 'model.joblib').",
            )
