"""One entry of a configuration that names a class: its short name and its arguments, taken one by one.

An argument that nobody took decides something that nobody declared, so it is refused by name.

Source: MONAI 1.6, `monai.bundle.ConfigComponent` (`_target_`, `_disabled_`, `_mode_`, `_desc_`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.monai.configuration import Configuration

MOST_COMPONENTS: Final = 64
"""Transforms in one list; those of the model zoo have some twelve."""

TRANSFORMS: Final = "monai.transforms"

_TARGET: Final = re.compile(r"(?:(?P<path>[A-Za-z_][\w.]*)\.)?(?P<name>[A-Za-z_]\w*)\Z", re.ASCII)
_DICTIONARY: Final = re.compile(r"(?<=[a-z])(?:d|D|Dict)\Z")
"""How MONAI ends the name of a transform that works on a dictionary."""

_RESERVED: Final = frozenset({"_target_", "_disabled_", "_requires_", "_desc_", "_mode_"})

_MISSING: Final = object()


@dataclass(slots=True)
class Component:
    """A class and its arguments, as the configuration writes them.

    Attributes:
        name: The class's own name, such as `Spacingd`.
        place: Where it stands, such as `preprocessing#transforms#2`.
        arguments: What it is constructed with, references not yet followed.
        configuration: Where they are followed.
        taken: Names of the arguments that were looked at.
    """

    name: str
    place: str
    arguments: Mapping[str, Json]
    configuration: Configuration
    taken: set[str] = field(default_factory=set)

    @property
    def plain_name(self) -> str:
        """The name without the ending of a dictionary transform, such as `Spacing`."""
        return _DICTIONARY.sub("", self.name)

    def ignore(self, *names: str) -> None:
        """Say that these arguments decide nothing of an answer; their values are not looked at."""
        self.taken.update(names)

    def value(self, name: str, default: object = _MISSING) -> Json:
        """Return the argument `name`, references followed.

        Raises:
            FreezeRefused: it is missing without a default, or cannot be followed.
        """
        self.taken.add(name)
        if name not in self.arguments:
            if default is _MISSING:
                raise self.refused(f"has no {name}", "Give it, as it was when it was evaluated.")
            return default
        return self.configuration.plain(self.arguments[name], f"{self.place}#{name}")

    def single(self, name: str, default: object = _MISSING) -> Json:
        """Return the argument `name`, taken out of a list where it is the only one in it."""
        value = self.value(name, default)
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def number(self, name: str, default: object = _MISSING) -> float:
        """Return the argument `name` as a finite number."""
        value = self.single(name, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise self.strange(name, value, "a number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """Return the argument `name` as true or false; null counts as `default`."""
        value = self.single(name, default)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.strange(name, value, "true or false")
        return value

    def text(self, name: str, default: object = _MISSING) -> str:
        """Return the argument `name` as text."""
        value = self.single(name, default)
        if not isinstance(value, str):
            raise self.strange(name, value, "text")
        return value

    def three(self, name: str) -> tuple[float, float, float]:
        """Return the argument `name` as three positive numbers; one stands for all three."""
        value = self.value(name)
        every = [value] * 3 if isinstance(value, int | float) else value
        if isinstance(every, list) and len(every) == 1:
            every = every * 3
        if not isinstance(every, list) or len(every) != 3 or not all(map(_positive, every)):
            raise self.strange(name, value, "three positive numbers")
        i, j, k = (float(one) for one in every)
        return i, j, k

    def sides(self, name: str) -> tuple[int, int, int]:
        """Return the argument `name` as three whole numbers of voxels; one stands for all three."""
        found = self.three(name)
        if not all(one.is_integer() for one in found):
            raise self.strange(name, list(found), "whole numbers")
        i, j, k = (int(one) for one in found)
        return i, j, k

    def demand(self, name: str, *accepted: Json, left_out: Json = _MISSING) -> None:
        """Refuse any value of the argument `name` but these.

        Args:
            name: The argument.
            accepted: The values.
            left_out: What MONAI takes where it is left out; else the first that is accepted.
        """
        value = self.single(name, accepted[0] if left_out is _MISSING else left_out)
        if not any(value == one and type(value) is type(one) for one in accepted):
            raise self.strange(name, value, " or ".join(repr(one) for one in accepted))

    def done(self) -> None:
        """Refuse what is left: arguments that nobody looked at.

        Raises:
            FreezeRefused: names the first.
        """
        left = [name for name in self.arguments if name not in self.taken]
        if left:
            raise self.refused(
                f"has the argument {left[0][:60]!r}, for which nothing is declared",
                "Leave it out, if the evaluation was made without it.",
            )

    def strange(self, name: str, value: Json, wanted: str) -> FreezeRefused:
        """Return the refusal of an argument's value."""
        return self.refused(
            f"has {name} {str(value)[:60]!r}, and only {wanted} can be declared",
            "Write an operation of your own before the package, or ask for this one.",
        )

    def refused(self, why: str, advice: str) -> FreezeRefused:
        """Return the refusal of this component, by its name and place."""
        return self.configuration.refused(f"{self.name[:60]} ({self.place}) {why}", advice)


def read_component(
    configuration: Configuration, value: Json, place: str, home: str
) -> Component | None:
    """Return the component that `value` writes; None where it is disabled.

    Args:
        configuration: Where references are followed.
        value: The component.
        place: Where it stands, for a refusal.
        home: The part of MONAI whose class it must name, such as `monai.transforms`.

    Raises:
        FreezeRefused: no component, a class from outside MONAI, or one that is not constructed.
    """
    told = configuration.followed(value, place)
    if not isinstance(told, dict) or "_target_" not in told:
        raise configuration.refused(
            f"{place} is no component with a `_target_`", "Write it as MONAI's pages show."
        )
    disabled = configuration.plain(told.get("_disabled_", False), f"{place}#_disabled_")
    if disabled in (True, "true", "True"):
        return None
    if disabled not in (False, "false", "False") or told.get("_mode_", "default") != "default":
        raise configuration.refused(
            f"{place} is constructed only in part (_disabled_, _mode_)",
            "Write it without these entries.",
        )
    target = configuration.followed(told["_target_"], f"{place}#_target_")
    arguments = {name: one for name, one in told.items() if name not in _RESERVED}
    return Component(_name(configuration, target, place, home), place, arguments, configuration)


def read_components(configuration: Configuration, name: str) -> Iterator[Component]:
    """Yield the transforms of the entry `name`: a `Compose`, or a plain list of them.

    Raises:
        FreezeRefused: it is something else, or holds too many.
    """
    entry = configuration.entry(name)
    place = name
    if isinstance(entry, dict):
        compose = read_component(configuration, entry, name, TRANSFORMS)
        if compose is None:
            return
        if compose.name != "Compose":
            raise compose.refused("is no Compose", "Write the transforms as a list in a Compose.")
        entry = configuration.followed(compose.arguments.get("transforms", []), name)
        compose.ignore("transforms", "map_items", "unpack_items", "log_stats", "overrides")
        compose.demand("lazy", False, None)
        compose.done()
        place = f"{name}#transforms"
    if not isinstance(entry, list) or len(entry) > MOST_COMPONENTS:
        raise configuration.refused(
            f"{place} is no list of at most {MOST_COMPONENTS} transforms",
            "Write the transforms as a list in a Compose.",
        )
    for number, one in enumerate(entry):
        component = read_component(configuration, one, f"{place}#{number}", TRANSFORMS)
        if component is not None:
            yield component


def _name(configuration: Configuration, target: Json, place: str, home: str) -> str:
    found = _TARGET.match(target) if isinstance(target, str) else None
    path = None if found is None else found["path"]
    if found is None or not (path is None or f"{path}.".startswith(f"{home}.")):
        raise configuration.refused(
            f"{place} names {str(target)[:80]!r}, which is none of MONAI's "
            f"{home.removeprefix('monai.')}: code that a bundle brings along is never run",
            "Export the network to ONNX where it was made, and freeze that file.",
        )
    return found["name"]


def _positive(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6
