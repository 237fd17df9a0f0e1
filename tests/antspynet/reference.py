"""The library alone: nothing of ours but the folder from which it reads.

    python reference.py FOLDER OUT.npz < CASES.json

Two faults are met here as well, or it could not run at all: `np` is missing where the library is made
to repeat itself, and ImageNet's weights would be fetched only to be overwritten.
"""

from __future__ import annotations

import json
import random
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def main(folder: Path, out: Path) -> None:
    ants: Any = import_module("ants")
    net: Any = import_module("antspynet")
    tensorflow: Any = import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(2)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    net.utilities.set_antsxnet_cache_directory(str(folder))
    dense = tensorflow.keras.applications.DenseNet121
    tensorflow.keras.applications.DenseNet121 = lambda **told: dense(**{**told, "weights": None})
    config: Any = import_module("antspynet.config")
    config.np = np
    answers = {}
    for case in json.load(sys.stdin):
        config.set_antsxnet_deterministic(on=True, seed_value=123)
        random.seed(123)
        images = [ants.image_read(one) for one in case["images"]]
        answer = getattr(net, case["function"])(*images, **case["parameters"])
        answers[case["name"]] = as_array(answer)
    np.savez(out, **answers)


def as_array(answer: Any) -> Any:
    if isinstance(answer, dict) and "probability_images" in answer:
        return np.stack([one.numpy() for one in answer["probability_images"]])
    if isinstance(answer, dict):
        return np.array([answer["predicted_age"]], np.float32)
    if hasattr(answer, "columns"):
        return np.asarray(answer, np.float32).reshape(-1)
    return answer.numpy()[np.newaxis]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
