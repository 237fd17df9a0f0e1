"""The likeness of a spec that names a folder of label maps, learned before the spec is looked at.

[volume.likeness]
label_maps = "labels"          # NIfTI files, beside the spec; they do not go into the package
contrasts = ["t1", "flair"]    # those that the model was trained with
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from bedside.canonical import Json
from bedside.errors import LimitExceeded, NotFound, UsageError, VolumeRefused
from bedside.freezing.volumes.likeness import CONTRASTS, Contrast, learned, thinned
from bedside.imaging.files import files_at
from bedside.imaging.volume import Volume
from bedside.imaging.volume_reading import read_volume
from bedside.package.fields import Frozen

MOST_MAPS: Final = 256
"""Label maps of one likeness; twenty say what a head is."""

_ENDINGS: Final = (".nii", ".nii.gz")


class LabelMaps(Frozen):
    """How a likeness is learned.

    Attributes:
        label_maps: A folder of NIfTI files with FreeSurfer's or SynthSeg's labels, relative to the
            spec's own folder.
        contrasts: In which the model was trained.
        seed: Of what is drawn.
        otherwise: What happens to a volume that does not look like them.
    """

    label_maps: Annotated[str, Field(min_length=1)]
    contrasts: Annotated[tuple[Contrast, ...], Field(min_length=1)] = CONTRASTS
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    otherwise: Literal["refuse", "flag"] = "refuse"


def with_likeness(answers: dict[str, Json], folder: Path) -> dict[str, Json]:
    """Return the answers of a spec, their likeness learned where it names label maps.

    Args:
        answers: As read from TOML.
        folder: Where the spec lies.

    Raises:
        UsageError: an answer does not fit, or a file is no label map.
        NotFound: there is no such folder.
        LimitExceeded: more than `MOST_MAPS` files.
    """
    volume = answers.get("volume")
    likeness = volume.get("likeness") if isinstance(volume, dict) else None
    if not isinstance(volume, dict) or not isinstance(likeness, dict):
        return answers
    if "label_maps" not in likeness:
        return answers
    try:
        asked = LabelMaps.model_validate(likeness, strict=False)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, ("volume", "likeness", *first["loc"])))
        raise UsageError(
            f"{place}: {first['msg']}.",
            advice=f"It may have {', '.join(sorted(LabelMaps.model_fields))}.",
        ) from problem
    maps = _maps(folder / asked.label_maps)
    found = learned(maps, asked.contrasts, seed=asked.seed, otherwise=asked.otherwise)
    return {**answers, "volume": {**volume, "likeness": found.model_dump(mode="json")}}


def _maps(folder: Path) -> list[Volume]:
    """Return the label maps of a folder, thinned out one by one."""
    if not folder.is_dir():
        raise NotFound(
            f"There is no folder of label maps at {str(folder)!r}.",
            advice="volume.likeness.label_maps is a folder, relative to the spec.",
        )
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(_ENDINGS))
    if len(paths) > MOST_MAPS:
        raise LimitExceeded(f"{len(paths)} label maps; a likeness has at most {MOST_MAPS}.")
    found = []
    for path in paths:
        try:
            found.append(thinned(read_volume(files_at(path))))
        except VolumeRefused as problem:
            raise UsageError(
                f"{path.name} is no label map: {problem.message}", advice=problem.advice
            ) from problem
    return found
