"""How a MeshNet folder is refused: by its name, with what was found and what to do."""

from __future__ import annotations

from bedside.errors import FreezeRefused

AGAIN = "Give the folder of a brainchop model: model.json and the weights that it names."


def refused(why: str, advice: str = AGAIN) -> FreezeRefused:
    """Return the refusal of a folder because of `why`."""
    return FreezeRefused(f"The MeshNet cannot be frozen: {why}.", advice=advice)


def told(value: object) -> str:
    """Return a value as a refusal repeats it, shortened."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
