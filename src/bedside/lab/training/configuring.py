"""Settings from a file and from words such as `lr=3e-4` and `network.width=24`, each checked by name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.freezing.strangers.toml import read_toml
from bedside.lab.training.settings import Settings

S = TypeVar("S", bound=Settings)


def configured(kind: type[S], words: Sequence[str], file: Path | None = None) -> S:
    """Return the settings of a task: its defaults, then a TOML file's, then the words'.

    Args:
        kind: What may be set.
        words: Such as `lr=3e-4`, `network.width=24`, `betas=[0.9,0.99]`, `data=labels.json`.
        file: A TOML file; its tables are the nested settings.

    Raises:
        UsageError: names a setting that is not there, with the nearest that are; or one whose value
            does not fit, with what fits.
    """
    value = {} if file is None else read_toml(file.read_bytes(), file.name)
    for place in _places_of(value):
        _field_at(kind, place)
    return _checked(kind, _overridden(kind, value, words))


def again(settings: S, words: Sequence[str]) -> S:
    """Return other settings: the same ones but for what the words say.

    Raises:
        UsageError: as `configured`.
    """
    kind = type(settings)
    return _checked(kind, _overridden(kind, settings.model_dump(mode="json"), words))


def read_settings(kind: type[S], value: Mapping[str, Json]) -> S:
    """Return settings that were written as JSON.

    Raises:
        UsageError: they are not of this task.
    """
    return _checked(kind, value)


def all_settings(kind: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, Json]]:
    """Yield every setting: its name with dots, its type in words, its default as JSON."""
    for name, field in kind.model_fields.items():
        nested = _nested(field)
        if nested is not None:
            yield from all_settings(nested, f"{prefix}{name}.")
        else:
            default = field.get_default(call_default_factory=True)
            yield f"{prefix}{name}", _told_type(field.annotation), _plain(default)


def flat(value: Mapping[str, Json], before: str = "") -> dict[str, Json]:
    """Return nested settings by their names with dots."""
    found: dict[str, Json] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found |= flat(inner, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = inner
    return found


def _overridden(
    kind: type[Settings], value: Mapping[str, Json], words: Sequence[str]
) -> dict[str, Json]:
    whole = json.loads(json.dumps(dict(value)))
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} sets nothing.", advice="Write it like lr=3e-4.")
        place = tuple(name.split("."))
        field = _field_at(kind, place)
        inner = whole
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = _read(text, field)
    return dict(whole)


def _places_of(
    value: Mapping[str, Json], before: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _places_of(inner, (*before, name))
        else:
            yield (*before, name)


def _field_at(kind: type[BaseModel], place: tuple[str, ...]) -> FieldInfo:
    """Return the setting at a place; a UsageError names the nearest ones where there is none."""
    inside: type[BaseModel] | None = kind
    field: FieldInfo | None = None
    for step in place:
        field = None if inside is None else inside.model_fields.get(step)
        if field is None:
            raise _unknown(kind, ".".join(place))
        inside = _nested(field)
    if field is None or inside is not None:
        raise _unknown(kind, ".".join(place))
    return field


def _unknown(kind: type[BaseModel], name: str) -> UsageError:
    known = [one for one, _, _ in all_settings(kind)]
    inside = [one for one in known if one.startswith(f"{name}.")]
    if inside:
        return UsageError(f"{name!r} is a group.", advice=f"Set one of {', '.join(inside)}.")
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    meant = f"Is it {' or '.join(near)}? " if near else ""
    return UsageError(
        f"There is no setting {name!r}.", advice=f"{meant}There are: {', '.join(known)}."
    )


def _checked(kind: type[S], value: Mapping[str, Json]) -> S:
    try:
        return kind.model_validate_json(json.dumps(value))
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        known = {one: (told, default) for one, told, default in all_settings(kind)}
        name = _named([str(part) for part in first["loc"]], known)
        told, default = known.get(name, ("", None))
        what = f"{name} is {first['input']!r}" if name else "These settings do not fit"
        fits = f"It is {told}, {default!r} unless set." if told else ""
        raise UsageError(f"{what}: {first['msg']}.", advice=fits) from problem


def _named(place: Sequence[str], known: Container[str]) -> str:
    """Return the setting at a place, or around it: a list's value has a number behind its name."""
    for length in range(len(place), 0, -1):
        if (name := ".".join(place[:length])) in known:
            return name
    return ".".join(place)


def _read(text: str, field: FieldInfo) -> Json:
    """Return a word's value: as JSON, unless only text fits or it is no JSON."""
    if field.annotation is str or _is_choice(field.annotation):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_choice(annotation: Any) -> bool:
    return get_origin(annotation) is Literal and all(
        isinstance(a, str) for a in get_args(annotation)
    )


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    """Return the group of settings that a field is, or None."""
    annotation = field.annotation
    return (
        annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    )


def _told_type(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(json.dumps(one) if isinstance(one, str) else str(one) for one in inside)
    if origin in (Union, UnionType):
        return " or ".join(_told_type(one) for one in inside)
    if hasattr(annotation, "__metadata__"):
        return _told_type(inside[0])
    if origin is tuple:
        many = "" if Ellipsis in inside else f"{len(inside)} values, each "
        return f"a list of {many}{_told_type(inside[0])}"
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    return names.get(annotation, "none" if annotation is type(None) else str(annotation))


def _plain(value: object) -> Json:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
