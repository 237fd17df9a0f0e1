"""How a refusal speaks: what was sent, shortened, and what is allowed, in words."""

from __future__ import annotations

from bedside.canonical import Json
from bedside.package.fields import CategoryField, NumberField

MAX_SHOWN = 60
"""Characters of a sent value that a refusal repeats: enough to recognise it, too few to flood."""

MAX_CODE_CHARACTERS = 200
"""Longest text that is let through as a code that training never saw."""

MAX_WHOLE = 2**53 - 1
"""Largest whole number that every JSON reader keeps exactly. Source: RFC 7493, section 2.2."""

MAX_CODES_SHOWN = 12
MAX_UNITS_SHOWN = 12


def shown(value: Json) -> str:
    """Return `value` for display, in at most `MAX_SHOWN` characters whatever it is."""
    if isinstance(value, str):
        return shortened(repr(value[: MAX_SHOWN + 1]))
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return _shown_number(value)
    return _shown_container(value)


def _shown_number(value: int | float) -> str:
    if isinstance(value, float):
        return number(float(value))
    # Python itself refuses to print an integer of more than 4,300 digits.
    return str(value) if abs(value) < 10**MAX_SHOWN else f"an integer of {value.bit_length()} bits"


def _shown_container(value: Json) -> str:
    match value:
        case {
            "value": str() | int() | float() | None as amount,
            "unit": str() | None as unit,
            **rest,
        } if not rest:
            told = "null" if unit is None else repr(unit[:MAX_SHOWN])
            return shortened(f"{shown(amount)} in {told}")
        case dict():
            return f"an object of {_counted(len(value), 'name')}"
        case list():
            return f"a list of {_counted(len(value), 'value')}"
        case _:
            return shortened(f"a value of type {type(value).__name__}")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def shortened(text: str) -> str:
    """Return `text`, cut to `MAX_SHOWN` characters with an ellipsis where it is longer."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def printable(text: str) -> str:
    """Return `text` at most 200 characters long, lone surrogates (which UTF-8 lacks) escaped."""
    return text[:200].encode("utf-8", "backslashreplace").decode("utf-8")


def number(value: float) -> str:
    """Return a number without a needless `.0`."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def allowed_number(field: NumberField) -> str:
    """Return what a number field allows, such as "a number from 6 to 29 in um (mm is converted)"."""
    kind = "a whole number" if field.whole else "a number"
    text = f"{kind} from {number(field.minimum)} to {number(field.maximum)}{in_unit(field.unit)}"
    units = [conversion.unit for conversion in field.conversions]
    if len(units) > MAX_UNITS_SHOWN:
        units = [*units[:MAX_UNITS_SHOWN], f"{len(units) - MAX_UNITS_SHOWN} other units"]
    if units:
        text += f" ({', '.join(units)} {'is' if len(units) == 1 else 'are'} converted)"
    return text + _or_missing(field)


def in_unit(unit: str) -> str:
    """Return " in um", or nothing for `1`, the unit of quantities that have none."""
    return "" if unit == "1" else f" in {unit}"


def allowed_category(field: CategoryField) -> str:
    """Return what a category field allows: the first of its codes, or any code of its kind."""
    if field.unknown == "allow":
        text = f"text of at most {MAX_CODE_CHARACTERS} characters, none of them invisible"
        whole = f"a whole number from {-MAX_WHOLE} to {MAX_WHOLE}"
        kind = text if isinstance(field.categories[0], str) else whole
        return f"a code that is {kind}" + _or_missing(field)
    codes = [shortened(repr(code)) for code in field.categories[:MAX_CODES_SHOWN]]
    more = len(field.categories) - len(codes)
    rest = f", … ({len(field.categories)} in all)" if more else ""
    return f"one of {', '.join(codes)}{rest}" + _or_missing(field)


def _or_missing(field: NumberField | CategoryField) -> str:
    return ", or missing (null)" if field.missing == "allow" else ""
