"""Weights of the true architectures, made by the library's own functions; run under its interpreter.

    python made_weights.py FOLDER TEMPLATE.nii.gz NAME…

The networks know nothing of brains. Each lets its first channel through and answers
sigmoid(40 (x - 0.35)): bright voxels are "brain", so that a test can say what must come out, and
where. Started by `conftest.py`, never imported by it: it needs TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

SHAPE = (96, 112, 96)
SLOPE, MIDDLE = 40.0, 0.35


def main(folder: Path, template: Path, names: list[str]) -> None:
    import ants
    import antspynet

    head = ants.image_read(str(template))
    head = ants.pad_or_crop_image_to_size(head, SHAPE)
    for name in names:
        path = folder / name
        if name == "S_template3.nii.gz":
            ants.image_write(head, str(path))
        elif name.endswith(".nii.gz"):
            ants.image_write(head, str(path))
        else:
            save(network(antspynet, name.removesuffix(".h5")), path)


def network(antspynet: Any, name: str) -> Any:
    """Return a network of the architecture that the library builds for this file."""
    from antspynet.architectures import create_unet_model_3d

    if name.startswith("brainExtractionRobust") or name.endswith(("T1v1", "Mra")):
        model = create_unet_model_3d(
            (*SHAPE, 1), number_of_outputs=1, mode="sigmoid", number_of_filters=(16, 32, 64, 128),
            dropout_rate=0.0, convolution_kernel_size=3, deconvolution_kernel_size=2, weight_decay=1e-5,
        )  # fmt: skip
        return let_through(model)
    raise SystemExit(f"no architecture is known for {name}")


def let_through(model: Any) -> Any:
    """Set every weight to zero but those that carry the input from the top to the last layer."""
    import numpy as np

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
    return model


def save(model: Any, path: Path) -> None:
    """Write weights as the library's own files hold them (HDF5, the format of Keras 2)."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
