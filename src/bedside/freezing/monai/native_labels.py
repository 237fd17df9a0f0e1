"""What a bundle does to its labels: by MONAI itself, and its regions by SciPy. Child only.

MONAI finds regions with a library of its own that is not installed with it (scikit-image).

Source: MONAI 1.6, `FillHoles`, `LabelFilter`, `KeepLargestConnectedComponent`, `RemoveSmallObjects`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from bedside.freezing.monai.answers import After


def refined(labels: NDArray[np.uint8], after: After, voxel_millilitres: float) -> NDArray[np.uint8]:
    """Return labels after one thing that a bundle does to them; independent of the runtime's.

    Args:
        labels: Values of the classes along i, j, k.
        after: What is done.
        voxel_millilitres: Volume of one voxel.
    """
    every = sorted(set(np.unique(labels).tolist()) - {0})
    values = [value for value in every if after.values is None or value in after.values]
    if not values:
        return labels if after.op != "keep_labels" else np.zeros_like(labels)
    if after.op in ("fill_holes", "keep_labels"):
        found = _by_monai(after.op, values)(torch.from_numpy(labels.copy())[None])
        return np.asarray(found[0].numpy(), dtype=np.uint8)
    labels = labels.copy()
    for group in [values] if after.together else [[value] for value in values]:
        mask = np.isin(labels, group)
        labels[mask & ~_kept(mask, after, voxel_millilitres)] = 0
    return labels


def _by_monai(op: str, values: list[int]) -> Any:
    from monai import transforms  # noqa: PLC0415 - seconds, and only in the child

    if op == "fill_holes":
        return transforms.FillHoles(applied_labels=values, connectivity=1)
    return transforms.LabelFilter(applied_labels=values)


def _kept(mask: NDArray[np.bool_], after: After, voxel_millilitres: float) -> NDArray[np.bool_]:
    hops = {6: 1, 18: 2, 26: 3}[after.neighbours]
    regions, count = ndimage.label(mask, ndimage.generate_binary_structure(3, hops))
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    sizes[0] = 0
    if after.op == "largest_region":
        kept = np.arange(count + 1) == sizes.argmax()
    else:
        kept = sizes * voxel_millilitres >= after.least_millilitres
    kept[0] = False
    found: NDArray[np.bool_] = kept[regions]
    return found
