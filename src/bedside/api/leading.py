"""Where to go on from an answer, and which models there are, stated in the OpenAPI document.

Source: OpenAPI 3.1.0, sections 4.8.20 (links), 4.8.12 (parameters) and 4.8.19 (examples).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bedside.canonical import Json

_ID: Final = "$response.body#/id"
_NEXT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/v1/predictions/{prediction_id}/decision": "Record what was decided about it",
        "/v1/predictions/{prediction_id}/trace": "Read its full story",
    }
)
_BEFORE: Final = "/v1/models/"
_AFTER: Final = "/predict"


def lead_on(value: dict[str, Json], models: Sequence[str]) -> None:
    """Link each prediction with what comes after it, and name the models that are released.

    Args:
        value: The whole OpenAPI document; it is changed.
        models: Names of the models that answer.
    """
    links = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {"prediction_id": _ID},
            "description": words,
        }
        for path, words in _NEXT.items()
        for operation in value["paths"].get(path, {}).values()
    }
    names = {model: {"value": model} for model in models}
    for path, operations in value["paths"].items():
        for operation in operations.values():
            if path.startswith(_BEFORE) and path.endswith(_AFTER):
                operation["responses"]["200"]["links"] = links
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] == "name" and names:
                    parameter["examples"] = names
