"""Weights of the true architectures, made through the library's own functions.

    python made_weights.py FOLDER HEAD.nii.gz < CASES.json

Each case runs through the library as it is; where it would load weights from a file that is not
there, the file is made for the very network that the library has built, and where it would open a
template, HEAD stands in. What takes long (predictions, registrations) is left out in this pass.

The networks know nothing of heads. Those that extract a brain let their input through and answer
sigmoid(40 (x - 0.35)): bright voxels are "brain", so that a test can say what must come out, and
where. The others keep the numbers that Keras draws, from a fixed seed.

Started by `conftest.py` under the interpreter that has the library.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

SIDES = {"S_template3": (96, 112, 96), "nki": (96, 112, 96), "croppedMni152": (120, 136, 136)}
SLOPE, MIDDLE = 40.0, 0.35


class Making:
    """The library, made to write what it would read."""

    def __init__(self, folder: Path, head: Path) -> None:
        self.ants = module("ants")
        self.net = module("antspynet")
        self.keras = module("tensorflow").keras
        self.folder, self.head = folder, self.ants.image_read(str(head))
        self.net.utilities.get_pretrained_network = lambda name: str(folder / f"{name}.h5")
        self.net.utilities.get_antsxnet_data = self.data
        self.keras.Model.load_weights = self.load_weights()
        self.keras.Model.predict = predict
        self.keras.models.load_model = self.load_model
        dense = self.keras.applications.DenseNet121
        self.keras.applications.DenseNet121 = lambda **told: dense(**{**told, "weights": None})
        self.ants.registration = self.registration
        self.ants.n4_bias_field_correction = lambda image, *_, **__: image
        self.ants.denoise_image = lambda image, *_, **__: image

    def run(self, case: dict[str, Any]) -> None:
        images = [self.ants.image_read(one) for one in case["images"]]
        getattr(self.net, case["function"])(*images, **case["parameters"])

    def data(self, name: str) -> str:
        path = self.folder / f"{name}.nii.gz"
        if not path.exists():
            self.ants.image_write(self.template(name), str(path))
        return str(path)

    def template(self, name: str) -> Any:
        if name == "xrayLungPriors":
            sides = np.linspace(0, 1, 256, dtype=np.float32)
            left = np.repeat(sides[:, None], 256, 1)
            return self.ants.from_numpy(np.stack([left, 1 - left], -1))
        sides = SIDES.get(name.removesuffix("Priors"), self.head.shape)
        image = self.ants.pad_or_crop_image_to_size(self.head, sides)
        if not name.endswith("Priors"):
            return image
        array = image.numpy() / image.max()
        return self.ants.from_numpy(np.stack([array**power for power in range(1, 8)], -1))

    def load_weights(self) -> Any:
        real = self.keras.Model.load_weights

        def load(model: Any, path: str) -> None:
            if not Path(path).exists():
                if Path(path).name.startswith("brainExtractionRobust"):
                    let_through(model)
                if Path(path).name.startswith("sixTissue"):
                    prefer(model, 3)
                if Path(path).name.startswith("xrayLungOrientation"):
                    prefer(model, 0)  # every film is well oriented
                save(model, Path(path))
            real(model, path)

        return load

    def load_model(self, path: str, **_: object) -> Any:
        """A small network in the place of DeepBrainNet, whose architecture only its file tells."""
        layers = self.keras.layers
        image = self.keras.Input((None, None, 3))
        pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(image))
        model = self.keras.Model(image, layers.Dense(1, bias_initializer="ones")(pooled))
        if not Path(path).exists():
            model.save(path)
        return model

    def registration(self, fixed: Any, moving: Any, **_: object) -> dict[str, Any]:
        path = str(self.folder / "as-it-is.mat")
        transform = self.ants.new_ants_transform(dimension=3, transform_type="AffineTransform")
        self.ants.write_transform(transform, path)
        moved = self.ants.resample_image_to_target(moving, fixed)
        return {"warpedmovout": moved, "fwdtransforms": [path], "invtransforms": [path]}


def predict(model: Any, batch: Any, **_: object) -> Any:
    """Return something of the right shape, quickly."""
    shape = tuple(model.output.shape)
    if len(shape) == 2:
        return np.full((len(batch), shape[1]), 0.5, np.float32)
    first = np.asarray(batch[..., :1], np.float32)
    scaled = (first - first.min()) / max(float(first.max() - first.min()), 1e-6)
    if shape[-1] == 1:
        return scaled
    return np.maximum(0, 1 - np.abs(scaled * shape[-1] - np.arange(shape[-1], dtype=np.float32)))


def let_through(model: Any) -> None:
    """Set every weight to zero but those that carry the input from the top to the last layer."""
    convolutions = [one for one in model.layers if type(one).__name__ == "Conv3D"]
    for layer in model.layers:
        layer.set_weights([np.zeros_like(one) for one in layer.get_weights()])
    first, second, last = convolutions[0], convolutions[1], convolutions[-1]
    joined, after = convolutions[-3], convolutions[-2]
    skipped = joined.input.shape[-1] - second.output.shape[-1]
    for layer, channel in ((first, 0), (second, 0), (joined, skipped), (after, 0)):
        kernel, bias = layer.get_weights()
        kernel[1, 1, 1, channel, 0] = 1.0
        layer.set_weights([kernel, bias])
    kernel, bias = last.get_weights()
    kernel[..., 0, 0], bias[0] = SLOPE, -SLOPE * MIDDLE
    last.set_weights([kernel, bias])


def prefer(model: Any, label: int) -> None:
    """Let the last layer find `label` nearly everywhere; some functions look for it."""
    kernel, bias = model.layers[-1].get_weights()
    bias[label] = 30.0 if len(kernel.shape) == 2 else 3.0
    model.layers[-1].set_weights([kernel, bias])


def save(model: Any, path: Path) -> None:
    """Write weights as the library's own files hold them (HDF5, the format of Keras 2)."""
    legacy = import_module("keras.src.legacy.saving.legacy_h5_format")
    with import_module("h5py").File(path, "w") as file:
        legacy.save_weights_to_hdf5_group(file, model)


def module(name: str) -> Any:
    return import_module(name)


def main(folder: Path, head: Path) -> None:
    making = Making(folder, head)
    for case in json.load(sys.stdin):
        making.keras.utils.set_random_seed(1)
        making.run(case)
    (folder / "as-it-is.mat").unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
