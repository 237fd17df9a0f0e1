"""The transforms before the network, as declared operations; what has no counterpart is refused.

MONAI applies transforms in the order in which they are listed. A package has the geometry first and
the values afterwards. Cropping and padding may therefore move before an operation that changes each
voxel by itself (a window, a stated scale), with the values that they look for or fill in carried
back through it; never before one that looks at the whole volume, whose result would change.

Source: MONAI 1.6, `monai.transforms` (spatial, croppad, intensity, io, utility).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from pydantic import ValidationError

from bedside.canonical import Json
from bedside.freezing.monai.components import Component, read_components
from bedside.freezing.monai.configuration import Configuration
from bedside.package.fields import Frozen
from bedside.package.volume_operations import (
    CropForeground,
    CropOrPad,
    Geometry,
    MinimumMaximum,
    PadToMultiple,
    Percentiles,
    Reorient,
    Resample,
    ScaleRange,
    SubtractDivide,
    ValueOperation,
    VolumeOperation,
    ZScore,
)

Operation = TypeVar("Operation", bound=Frozen)

RANKS: Final[tuple[type[Frozen], ...]] = (
    Reorient,
    Resample,
    CropForeground,
    CropOrPad,
    PadToMultiple,
)
"""The order of the geometry in a package, each at most once."""

FLOATS: Final = ("$torch.float32", "$np.float32", "$numpy.float32", "float32", "torch.float32")
"""How configurations write the precision that a package has in any case."""

STANDARD_LABELS: Final = [["L", "R"], ["P", "A"], ["I", "S"]]

ORDER: Final = (
    "Put what changes all voxels by the whole volume's values (percentiles, mean, smallest and largest) "
    "after the spatial transforms, train and evaluate with that, and freeze again."
)


@dataclass(slots=True)
class Prepared:
    """What the transforms become.

    Attributes:
        geometry: Operations on where the voxels lie, in order.
        values: Operations on what they hold, in order.
        image: The key of the picture in MONAI's dictionaries.
        notes: Sentences that the author must read.
    """

    image: str
    geometry: list[Geometry] = field(default_factory=list)
    values: list[ValueOperation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def operations(self) -> tuple[VolumeOperation, ...]:
        """All operations, in the order of a package."""
        return (*self.geometry, *self.values)


Mapped: TypeAlias = Callable[[Component, Prepared], None]


def map_transforms(configuration: Configuration, image: str) -> Prepared:
    """Return the transforms of the entry `preprocessing` as declared operations.

    Args:
        configuration: That of the inference.
        image: The key under which MONAI keeps the picture, such as `image`.

    Raises:
        FreezeRefused: a transform, or an argument of one, has no counterpart; names it.
    """
    prepared = Prepared(image)
    for component in read_components(configuration, "preprocessing"):
        mapped = TABLE.get(component.plain_name)
        if mapped is None:
            raise component.refused(
                "has no declared counterpart",
                f"What maps: {', '.join(sorted(TABLE))}. Do it before the package, or ask for it.",
            )
        _demand_key(component, image)
        mapped(component, prepared)
        component.done()
    return prepared


def _demand_key(component: Component, image: str) -> None:
    """Demand that a dictionary transform works on the picture, and on nothing else."""
    component.ignore("allow_missing_keys", "lazy", "meta_keys", "meta_key_postfix")
    if component.name == component.plain_name:
        return
    keys = component.single("keys")
    if keys != image:
        raise component.strange("keys", keys, f"the picture, {image!r},")


def declared(component: Component, kind: type[Operation], **arguments: Json) -> Operation:
    """Return an operation of a package; refuse numbers that none may have.

    Raises:
        FreezeRefused: names the transform and the number.
    """
    try:
        return kind(**arguments)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
        raise component.refused(
            f"cannot be declared as {_word(kind)}: {said}",
            "docs/spec/package.md, section 13, says what an operation may hold.",
        ) from problem


def _word(kind: type[Frozen]) -> str:
    """Return what a package calls an operation, or a way of running the network."""
    named = kind.model_fields.get("op") or kind.model_fields["mode"]
    return repr(named.default)


def _nothing(component: Component, prepared: Prepared) -> None:
    """Reading, and moving between libraries and devices: a package does it in its own way."""
    component.ignore("reader", "image_only", "ensure_channel_first", "simple_keys", "device")
    component.ignore(
        "prune_meta_pattern", "prune_meta_sep", "expanduser", "overwriting", "data_type"
    )
    component.ignore("strict_check", "track_meta", "wrap_sequence", "raise_when_missing")
    component.demand("channel_dim", None, "no_channel")
    component.taken.add("dtype")
    kind = component.arguments.get("dtype")
    if kind is not None and kind not in FLOATS:
        kind = component.value("dtype")
        if kind not in FLOATS:
            raise component.strange("dtype", kind, "float32")


def _orientation(component: Component, prepared: Prepared) -> None:
    component.demand("labels", None, STANDARD_LABELS)
    closest = component.flag("as_closest_canonical", default=False)
    code = component.value("axcodes", None)
    axes = "RAS" if closest else "".join(code) if isinstance(code, list) else code
    _place(component, prepared, declared(component, Reorient, axes=axes))


def _spacing(component: Component, prepared: Prepared) -> None:
    component.ignore("dtype", "align_corners")  # neither moves a voxel's centre
    component.demand("diagonal", False, None)
    component.demand("scale_extent", False, None)
    component.demand("recompute_affine", False, None)
    component.demand("min_pixdim", None)
    component.demand("max_pixdim", None)
    component.demand("padding_mode", "border")
    component.demand("mode", "bilinear", "nearest")
    interpolation = {"bilinear": "linear"}.get(component.text("mode", "bilinear"), "nearest")
    made = declared(
        component,
        Resample,
        spacing=component.three("pixdim"),
        interpolation=interpolation,
        antialias=False,
        anchor="first",
        outside="edge",
    )
    _place(component, prepared, made)


def _crop_foreground(component: Component, prepared: Prepared) -> None:
    component.ignore("start_coord_key", "end_coord_key", "return_coords", "mode", "pad_kwargs")
    if component.name != component.plain_name:
        component.demand("source_key", prepared.image)
    component.demand("select_fn", None)  # left out, it takes what is greater than 0
    component.demand("channel_indices", None)
    component.demand("k_divisible", 1)
    component.demand("margin", 0)  # MONAI pads where a margin leads out of the volume
    component.ignore("allow_smaller")
    above = _carried_back(component, prepared, 0.0)
    _place(component, prepared, declared(component, CropForeground, above=above))


def _crop_or_pad(component: Component, prepared: Prepared) -> None:
    sides = component.sides("spatial_size")
    value = _padding(component, prepared)
    component.demand("method", "symmetric")
    _place(component, prepared, declared(component, CropOrPad, shape=sides, value=value))


def _pad_to_multiple(component: Component, prepared: Prepared) -> None:
    value = _padding(component, prepared)
    component.demand("method", "symmetric")
    sides = component.sides("k")
    _place(component, prepared, declared(component, PadToMultiple, multiple=sides, value=value))


def _padding(component: Component, prepared: Prepared) -> float:
    component.demand("mode", "constant")
    inside = component.number("constant_values", component.number("value", 0.0))
    return _carried_back(component, prepared, inside)


def _scale_range(component: Component, prepared: Prepared) -> None:
    component.ignore("dtype")
    made = declared(
        component,
        ScaleRange,
        from_low=component.number("a_min"),
        from_high=component.number("a_max"),
        to_low=component.number("b_min"),
        to_high=component.number("b_max"),
        clip=component.flag("clip", default=False),
    )
    prepared.values.append(made)


def _scale(component: Component, prepared: Prepared) -> None:
    component.ignore("dtype", "channel_wise")  # there is one channel
    component.demand("factor", None)
    prepared.values.append(MinimumMaximum())
    _onto(component, prepared, component.number("minv", 0.0), component.number("maxv", 1.0))


def _percentiles(component: Component, prepared: Prepared) -> None:
    component.ignore("dtype", "channel_wise")
    component.demand("relative", False)
    made = declared(
        component,
        Percentiles,
        low=component.number("lower"),
        high=component.number("upper"),
        clip=component.flag("clip", default=False),
    )
    prepared.values.append(made)
    _onto(component, prepared, component.number("b_min"), component.number("b_max"))


def _onto(component: Component, prepared: Prepared, low: float, high: float) -> None:
    """Add what takes 0 … 1 onto another range."""
    if (low, high) != (0.0, 1.0):
        made = declared(
            component, ScaleRange, from_low=0, from_high=1, to_low=low, to_high=high, clip=False
        )
        prepared.values.append(made)


def _normalise(component: Component, prepared: Prepared) -> None:
    component.ignore("dtype", "channel_wise")
    nonzero = component.flag("nonzero", default=False)
    stated = [component.value(name, None) for name in ("subtrahend", "divisor")]
    if stated == [None, None]:
        prepared.values.append(ZScore(of="non-zero" if nonzero else "all"))
        return
    if nonzero or None in stated:
        raise component.refused(
            "states a part of mean and deviation, or leaves zeros as they are beside stated ones",
            "State both subtrahend and divisor, or neither.",
        )
    less, by = component.number("subtrahend"), component.number("divisor")
    prepared.values.append(declared(component, SubtractDivide, subtract=less, divide=by))


def _place(component: Component, prepared: Prepared, made: Geometry) -> None:
    """Add an operation of the geometry, where the order of a package allows it.

    Raises:
        FreezeRefused: it stands after one that must follow it, after one of the values, or pads
            what was cropped.
    """
    rank = RANKS.index(type(made))
    cropped = any(isinstance(one, CropForeground) for one in prepared.geometry)
    if cropped and isinstance(made, CropOrPad | PadToMultiple):
        raise component.refused(
            "pads what CropForeground left; on the way back MONAI throws away what the network said "
            "of the padding, and a package does not",
            "Leave one of them out; a SlidingWindowInferer needs no padding.",
        )
    if prepared.values and isinstance(made, Resample):
        raise component.refused("stands after a transform of the voxels' values", ORDER)
    if prepared.geometry and rank <= RANKS.index(type(prepared.geometry[-1])):
        raise component.refused(
            f"stands after {prepared.geometry[-1].op!r}; the order of a package is "
            f"{', '.join(map(_word, RANKS))}, each once",
            "Leave one out, or bring them into this order, evaluate again, and freeze that.",
        )
    prepared.geometry.append(made)


def _carried_back(component: Component, prepared: Prepared, value: float) -> float:
    """Return which value before the operations of the values becomes `value` after them.

    Raises:
        FreezeRefused: one of them looks at the whole volume, or no value becomes it.
    """
    for one in reversed(prepared.values):
        match one:
            case ScaleRange() if one.to_low <= value <= one.to_high:
                share = (value - one.to_low) / (one.to_high - one.to_low)
                value = one.from_low + share * (one.from_high - one.from_low)
            case SubtractDivide() if one.divide > 0:
                value = value * one.divide + one.subtract
            case _:
                raise component.refused(f"stands after {one.op!r}", ORDER)
    return value


TABLE: Final[Mapping[str, Mapped]] = MappingProxyType(
    {
        **dict.fromkeys(("LoadImage", "EnsureChannelFirst", "EnsureType"), _nothing),
        **dict.fromkeys(("ToTensor", "ToDevice", "CastToType", "Identity"), _nothing),
        "Orientation": _orientation,
        "Spacing": _spacing,
        "CropForeground": _crop_foreground,
        "ResizeWithPadOrCrop": _crop_or_pad,
        "DivisiblePad": _pad_to_multiple,
        "ScaleIntensityRange": _scale_range,
        "ScaleIntensity": _scale,
        "ScaleIntensityRangePercentiles": _percentiles,
        "NormalizeIntensity": _normalise,
    }
)
"""Names of MONAI's transforms, and how each is declared."""
