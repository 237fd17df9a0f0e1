"""In the child: ANTsPyNet, opened so that it fetches nothing, repeats itself and keeps its networks.

Faults of version 0.3.2 that are worked round here, each with a test in `tests/antspynet`:
`set_antsxnet_deterministic` uses `np` without importing it; `chexnet` uses the None that
`check_xray_lung_orientation` returns for a film that is well oriented, and fetches ImageNet's
weights only to overwrite all of them; every call builds and loads its networks anew; a file is
fetched without a digest. `steadying` meets the faults of alignment and contrast.
"""

from __future__ import annotations

import importlib
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from bedside.errors import ConditionsNotMet, NotFound, Unavailable
from bedside.runtime.engines.antspynet.shelf import Shelf
from bedside.runtime.engines.antspynet.weights import digest_of, weight_file

_REACHING_OUT: Final = frozenset(
    {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"}
)  # fmt: skip
_SLOW: Final = (
    "registration", "n4_bias_field_correction", "denoise_image", "extract_image_patches",
)  # fmt: skip
"""What ANTs takes long for; each is told as a step."""


class Library:
    """The libraries of the child, opened once.

    Attributes:
        ants: The module ANTs.
        shelf: The files, and the networks that were loaded.
        versions: Of the libraries, by name.
        threads: How many the networks may use.
    """

    def __init__(self, begin: Mapping[str, Any], step: Callable[[str, int], None]) -> None:
        """Import the libraries and set them up.

        Args:
            begin: `weights` the folder, `files` what may be read of it, `seed`, `threads`, and
                `network` whether files may be fetched.
            step: Hears what begins, and how many steps went before.

        Raises:
            NotFound: a library is not installed in this interpreter.
        """
        self._tell, self._done = step, 0
        self._seed = int(begin["seed"])
        self.threads = int(begin["threads"])
        if not begin["network"]:
            sys.addaudithook(_stay_here)
        self._folder = Path(begin["weights"])
        files = {one["name"]: weight_file(one) for one in begin["files"]}
        self.shelf = Shelf(self._folder, files, self.step)
        self._tensorflow, self.ants, self._net = _imported()
        self._tensorflow.config.threading.set_intra_op_parallelism_threads(self.threads)
        self._tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self.versions = {
            "antspynet": _version("antspynet"),
            "antspyx": _version("antspyx"),
            "tensorflow": self._tensorflow.__version__,
        }
        self._get_network = self._net.utilities.get_pretrained_network
        self._get_data = self._net.utilities.get_antsxnet_data
        self._net.utilities.set_antsxnet_cache_directory(str(self._folder))
        if not begin["network"]:
            self._keep_to_the_folder()
        self._keep_networks()
        self._mend_films()
        self._tell_slow_steps()

    def function(self, name: str) -> Callable[..., Any]:
        """Return one of the library's functions."""
        function: Callable[..., Any] = getattr(self._net, name)
        return function

    def begin_answer(self) -> None:
        """Begin an answer that does not depend on those before it."""
        self._done = 0
        self.shelf.read.clear()
        config = importlib.import_module("antspynet.config")
        vars(config).setdefault("np", np)  # the function uses it, and its module does not import it
        config.set_antsxnet_deterministic(on=True, seed_value=self._seed)
        random.seed(self._seed)
        np.random.seed(self._seed)

    def step(self, words: str) -> None:
        """Tell that a step begins."""
        self._tell(words, self._done)
        self._done += 1

    def told(self) -> dict[str, Any]:
        """Return what the last answer did."""
        return {"read": list(self.shelf.read), "loads": self.shelf.loads, "steps": self._done}

    def fetch(self, networks: Sequence[str], data: Sequence[str]) -> list[dict[str, Any]]:
        """Fetch files through the library's own functions; return name, size, digest and origin.

        Raises:
            Unavailable: a file is not there and cannot be fetched.
        """
        wanted = [(self._get_network, one) for one in networks]
        wanted += [(self._get_data, one) for one in data]
        found = []
        for get, name in wanted:
            self.step(name)
            file, origin = self._origin(get, name)
            try:
                path = Path(get(name))
            except Exception as problem:
                raise Unavailable(
                    f"{file!r} cannot be fetched from {origin}: {str(problem)[:300]}",
                    advice="Run this on a machine that reaches that address, and copy the folder.",
                ) from problem
            size = path.stat().st_size
            found.append({"name": file, "size": size, "digest": digest_of(path), "origin": origin})
        return found

    def _origin(self, get: Callable[[str], str], name: str) -> tuple[str, str]:
        """Return the file's name and where the library would fetch it from; fetch nothing."""
        heard: list[tuple[str, str]] = []

        def listen(file: str, origin: str, **_: object) -> str:
            heard.append((file, origin))
            return file

        utilities = self._net.utilities
        with tempfile.TemporaryDirectory() as empty, self._get_file(listen):
            utilities.set_antsxnet_cache_directory(empty)
            try:
                get(name)
            finally:
                utilities.set_antsxnet_cache_directory(str(self._folder))
        return heard[0]

    @contextmanager
    def _get_file(self, instead: Callable[..., str]) -> Iterator[None]:
        keras = self._tensorflow.keras.utils
        real, keras.get_file = keras.get_file, instead
        try:
            yield
        finally:
            keras.get_file = real

    def _keep_to_the_folder(self) -> None:
        """Let the library read listed files alone, and fetch none."""

        def refuse(name: str, origin: str, **_: object) -> str:
            raise ConditionsNotMet(
                f"ANTsPyNet would fetch {name!r} from {origin}.",
                advice="Fetch it beforehand with `bedside antspynet prefetch`.",
            )

        self._tensorflow.keras.utils.get_file = refuse

        def network(file_id: str, target_file_name: str | None = None) -> str:
            return str(self.shelf.file(target_file_name or f"{file_id}.h5"))

        def data(file_id: str, target_file_name: str | None = None) -> str:
            return str(self.shelf.file(target_file_name or f"{file_id}.nii.gz"))

        self._net.utilities.get_pretrained_network = network
        self._net.utilities.get_antsxnet_data = data

    def _keep_networks(self) -> None:
        architectures = self._net.architectures
        for name in dir(architectures):
            if name.startswith("create_"):
                setattr(architectures, name, self._keeping(name, getattr(architectures, name)))
        age = sys.modules["antspynet.utilities.brain_age"]
        load = self._tensorflow.keras.models.load_model
        models = SimpleNamespace(
            load_model=lambda path: self.shelf.whole(path, lambda one: load(one, compile=False))
        )
        vars(age)["keras"] = SimpleNamespace(models=models)

    def _keeping(self, name: str, create: Callable[..., Any]) -> Callable[..., Any]:
        def kept(*args: Any, **kwargs: Any) -> Any:
            key = repr((name, args, sorted(kwargs.items())))
            return self.shelf.stand_in(key, lambda: create(*args, **kwargs))

        return kept

    def _mend_films(self) -> None:
        """Give `chexnet` a Keras that fetches no ImageNet, and a film where it would get None."""
        module = sys.modules["antspynet.utilities.chexnet"]
        keras = self._tensorflow.keras
        check = self._net.utilities.check_xray_lung_orientation

        def oriented(image: Any, verbose: bool = False) -> Any:
            turned = check(image, verbose)
            return image if turned is None else turned

        base: list[Any] = []

        def backbone(**kwargs: Any) -> Any:  # every weight is read from the file that comes next
            if not base:
                base.append(keras.applications.DenseNet121(**{**kwargs, "weights": None}))
            return base[0]

        def model(inputs: Any, outputs: Any) -> Any:
            made = keras.Model(inputs=inputs, outputs=outputs)
            key = f"film of {outputs.shape[-1]} findings"
            stand_in = self.shelf.stand_in(key, lambda: keras.models.clone_model(made))
            vars(stand_in).update(input=inputs, output=outputs)
            return stand_in

        vars(module)["check_xray_lung_orientation"] = oriented
        vars(module)["tf"] = SimpleNamespace(
            keras=SimpleNamespace(
                applications=SimpleNamespace(DenseNet121=backbone), layers=keras.layers, Model=model
            )
        )

    def _tell_slow_steps(self) -> None:
        for name in _SLOW:
            setattr(self.ants, name, self._stepping(name, getattr(self.ants, name)))

    def _stepping(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any, **kwargs: Any) -> Any:
            self.step(name)
            return function(*args, **kwargs)

        return stepping


def _stay_here(event: str, _: tuple[Any, ...]) -> None:
    """Refuse every way to another machine that Python knows."""
    if event in _REACHING_OUT:
        raise PermissionError(f"{event}: this process fetches nothing.")


def _imported() -> tuple[Any, Any, Any]:
    try:
        tensorflow = importlib.import_module("tensorflow")
        return tensorflow, importlib.import_module("ants"), importlib.import_module("antspynet")
    except ImportError as problem:
        raise NotFound(
            f"{sys.executable} has no {problem.name!r}.",
            advice="Install the extra: pip install 'bedside[antspynet]', or name the interpreter of an "
            "environment that has antspynet (BEDSIDE_ANTSPYNET_PYTHON).",
        ) from problem


def _version(name: str) -> str:
    return str(importlib.import_module("importlib.metadata").version(name))
