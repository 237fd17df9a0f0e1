"""In the child: networks that stay loaded, where the library would build and load them at every call.

The library asks for an architecture, loads weights into it and lets it predict. It gets a stand-in
whose weights come from the shelf when the same architecture has had the same file before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import ConditionsNotMet, PackageRefused
from bedside.runtime.engines.antspynet.weights import WeightFile, check_file

Network: TypeAlias = Any
"""A Keras model; TensorFlow has no types."""

Step: TypeAlias = Callable[[str], None]

MOST_KEPT: Final = 12
"""Networks that stay; the oldest goes. Five of 30 MB and some small ones are what one function has."""

SLICES_AT_ONCE: Final = 8
"""Keras takes 32 unless told otherwise; 32 slices of 200 × 200 took 4 GiB."""

_AXES_OF_A_VOLUME: Final = 5
_MOST_CONFIGURATION: Final = 16 * 2**20
_CODE_LAYERS: Final = frozenset(
    {"Lambda", "TFOpLambda", "SlicingOpLambda", "__lambda__", "function"}
)


class Shelf:
    """The files that may be read, and the networks that were loaded from them.

    Attributes:
        read: Names of the files that were asked for, in order.
        loads: How often a network's weights were read from a file.
    """

    def __init__(self, folder: Path, files: Mapping[str, WeightFile], step: Step) -> None:
        """Load nothing yet."""
        self._folder, self._files, self._step = folder, files, step
        self._kept: dict[tuple[str, str], Network] = {}
        self.read: list[str] = []
        self.loads = 0

    def file(self, name: str) -> Path:
        """Return the path of a file whose bytes are the listed ones.

        Raises:
            ConditionsNotMet: it is not listed, is missing, or is another file.
        """
        self.read.append(name)
        if name not in self._files:
            raise ConditionsNotMet(
                f"ANTsPyNet asks for {name!r}, which is not among the listed files "
                f"{sorted(self._files)}.",
                advice="Freeze the package again with every file that its function reads.",
            )
        return check_file(self._folder, self._files[name])

    def stand_in(self, key: str, build: Callable[[], Network]) -> StandIn:
        """Return what the library gets in place of a network that `build` would make."""
        return StandIn(self, key, build)

    def loaded(self, key: str, path: str, build: Callable[[], Network]) -> Network:
        """Return the network `key` with the weights of a file, which the shelf may have."""

        def load() -> Network:
            network = build()
            network.load_weights(path)
            return network

        return self._keep((key, path), load)

    def whole(self, path: str, load: Callable[[str], Network]) -> Network:
        """Return a network whose file holds its architecture too, after looking into it.

        Raises:
            PackageRefused: the file holds code.
        """

        def inspected() -> Network:
            refuse_code(Path(path))
            return load(path)

        return Counted(self, self._keep(("whole", path), inspected))

    def predicted(self, network: Network, batch: NDArray[Any]) -> Any:
        """Return a network's answer; few inputs at a time, which bounds the memory."""
        self._step("network")
        size = 1 if np.ndim(batch) == _AXES_OF_A_VOLUME else SLICES_AT_ONCE
        return network.predict(batch, batch_size=size, verbose=0)

    def _keep(self, key: tuple[str, str], load: Callable[[], Network]) -> Network:
        if key not in self._kept:
            self._step("loading")
            self.loads += 1
            while len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = load()
        return self._kept[key]


class StandIn:
    """A network to the library: it takes weights and predicts."""

    def __init__(self, shelf: Shelf, key: str, build: Callable[[], Network]) -> None:
        self._shelf, self._key, self._build = shelf, key, build
        self._network: Network = None

    def compile(self, **_: object) -> None:
        """Do nothing: who only predicts needs no optimiser."""

    def load_weights(self, path: str) -> None:
        """Take the weights of a file, from the shelf where it has them."""
        self._network = self._shelf.loaded(self._key, str(path), self._build)

    def predict(self, batch: NDArray[Any], verbose: object = None) -> Any:
        """Return the network's answer."""
        del verbose
        if self._network is None:
            raise PackageRefused("ANTsPyNet would predict with a network that has no weights.")
        return self._shelf.predicted(self._network, batch)


class Counted:
    """A network that came whole; its predictions are steps, too."""

    def __init__(self, shelf: Shelf, network: Network) -> None:
        self._shelf, self._network = shelf, network

    def predict(self, batch: NDArray[Any], verbose: object = None) -> Any:
        """Return the network's answer."""
        del verbose
        return self._shelf.predicted(self._network, batch)


def refuse_code(path: Path) -> None:
    """Check that a whole Keras model (HDF5) is made of ordinary layers alone.

    A `Lambda` layer holds marshalled Python, which loading would run; and a class of another
    module than Keras's own would be imported.

    Raises:
        PackageRefused: it holds code, or tells no architecture.
    """
    h5py = import_module("h5py")  # only the child has it
    with h5py.File(path, "r") as file:
        told = file.attrs.get("model_config")
    text = told.decode() if isinstance(told, bytes) else told
    if not isinstance(text, str) or len(text) > _MOST_CONFIGURATION:
        raise PackageRefused(f"{path.name!r} tells no architecture that can be read.")
    if found := sorted(set(_code(json.loads(text)))):
        raise PackageRefused(
            f"{path.name!r} holds code in its layers {found}, which reading it would run.",
            advice="Use a file whose network is made of Keras's own layers.",
        )


def _code(config: object) -> Iterator[str]:
    """Yield every class in a configuration, however deep, that is or may be code."""
    waiting = [config]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name, module = str(one.get("class_name")), str(one.get("module") or "keras")
            if name in _CODE_LAYERS:
                yield name
            elif module.partition(".")[0] not in ("keras", "builtins"):
                yield f"{module}.{name}"
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
