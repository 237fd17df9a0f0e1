"""Bundles for the tests: configurations as MONAI's model zoo writes them, of a small network."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from bedside.canonical import Json

METADATA: dict[str, Json] = {
    "schema": "https://example.org/meta_schema.json",
    "version": "0.1.0",
    "monai_version": "1.6.1",
    "pytorch_version": "2.13.0",
    "numpy_version": "2.4.6",
    "name": "Bright parts of a head",
    "task": "A test",
    "description": "Segments what is bright. It was never trained.",
    "authors": "The tests",
    "copyright": "None",
    "network_data_format": {
        "inputs": {
            "image": {
                "type": "image",
                "format": "magnitude",
                "modality": "MR",
                "num_channels": 1,
                "spatial_shape": [16, 16, 16],
                "dtype": "float32",
                "value_range": [0, 1],
                "is_patch_data": True,
                "channel_def": {"0": "image"},
            }
        },
        "outputs": {
            "pred": {
                "type": "image",
                "format": "segmentation",
                "num_channels": 2,
                "spatial_shape": [16, 16, 16],
                "dtype": "float32",
                "value_range": [0, 1],
                "is_patch_data": True,
                "channel_def": {"0": "background", "1": "bright"},
            }
        },
    },
}

NETWORK: dict[str, Json] = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [2, 4],
    "strides": [2],
    "num_res_units": 1,
    "norm": "batch",
}

INFERENCE: dict[str, Json] = {
    "imports": ["$import glob", "$import os"],
    "bundle_root": "/nowhere",
    "image_key": "image",
    "output_dir": "$@bundle_root + '/eval'",
    "dataset_dir": "/nowhere/data",
    "datalist": "$list(sorted(glob.glob(@dataset_dir + '/*.nii.gz')))",
    "device": "$torch.device('cpu')",
    "spacing": [2.0, 2.0, 2.0],
    "network_def": NETWORK,
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "@image_key"},
            {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
            {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
            {
                "_target_": "Spacingd",
                "keys": "@image_key",
                "pixdim": "@spacing",
                "mode": "bilinear",
            },
            {
                "_target_": "ScaleIntensityRanged",
                "keys": "@image_key",
                "a_min": 0,
                "a_max": 1000,
                "b_min": 0.0,
                "b_max": 1.0,
                "clip": True,
            },
            {"_target_": "EnsureTyped", "keys": "@image_key", "device": "@device"},
        ],
    },
    "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]"},
    "inferer": {
        "_target_": "SlidingWindowInferer",
        "roi_size": [16, 16, 16],
        "sw_batch_size": 4,
        "overlap": 0.5,
        "mode": "gaussian",
        "device": "@device",
    },
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {
                "_target_": "Invertd",
                "keys": "pred",
                "transform": "@preprocessing",
                "orig_keys": "@image_key",
                "nearest_interp": False,
                "to_tensor": True,
            },
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
        ],
    },
    "evaluator": {"_target_": "SupervisedEvaluator", "inferer": "@inferer"},
}


def inference(**changed: Json) -> dict[str, Json]:
    """Return the configuration with entries of its top changed; None takes one out."""
    made = {**deepcopy(INFERENCE), **changed}
    return {name: one for name, one in made.items() if one is not None}


def with_transforms(*transforms: Json, entry: str = "preprocessing") -> dict[str, Json]:
    """Return the configuration with other transforms, which get the key of the entry."""
    key = "@image_key" if entry == "preprocessing" else "pred"
    keyed = [{"keys": key, **one} for one in transforms]
    return inference(**{entry: {"_target_": "Compose", "transforms": keyed}})


def metadata(**changed: Any) -> dict[str, Json]:
    """Return the metadata with entries changed."""
    return {**deepcopy(METADATA), **changed}


def channels(count: int, taken: int = 1) -> dict[str, Json]:
    """Return the metadata of a network with so many channels."""
    made = metadata()
    formats = made["network_data_format"]
    formats["inputs"]["image"]["num_channels"] = taken
    formats["outputs"]["pred"]["num_channels"] = count
    return made


def written(
    folder: Path, configuration: Json = None, told: Json = None, weights: str = "model.pt"
) -> Path:
    """Write a bundle whose weights are no weights; for what never opens them."""
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    text = json.dumps(INFERENCE if configuration is None else configuration)
    (folder / "configs" / "inference.json").write_text(text)
    (folder / "configs" / "metadata.json").write_text(json.dumps(told or METADATA))
    (folder / "models" / weights).write_bytes(b"no weights")
    return folder
