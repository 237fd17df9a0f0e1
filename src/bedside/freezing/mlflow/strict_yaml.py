"""YAML as data: no anchors, no tags that make objects, a limited depth, no name twice."""

from __future__ import annotations

from typing import Any, Final

import yaml

from bedside.canonical import Json

MOST_DEEP: Final = 20
MOST_TOKENS: Final = 100_000

_OPENS = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSES = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_REFUSED = {
    yaml.AliasToken: "an alias",
    yaml.AnchorToken: "an anchor",
    yaml.TagToken: "a tag",
    yaml.DirectiveToken: "a directive",
}


class _Strict(yaml.SafeLoader):
    """A loader of plain values that refuses a name that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping whose names are all different."""
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        texts = [str(name) for name in names]
        if len(set(texts)) != len(texts):
            twice = next(one for one in texts if texts.count(one) > 1)
            raise yaml.YAMLError(f"the name {twice[:80]!r} stands twice")
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str) -> Json:
    """Return the plain value that `text` writes.

    Raises:
        ValueError: not YAML, or YAML with anchors, tags or directives, too deep, or a name twice.
    """
    depth = 0
    try:
        for count, token in enumerate(yaml.scan(text, Loader=yaml.SafeLoader)):
            if word := _REFUSED.get(type(token)):
                raise ValueError(f"it has {word}, which plain data does not need")
            depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
            if depth > MOST_DEEP or count > MOST_TOKENS:
                raise ValueError("it is nested too deep, or too long")
        value: Json = yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as problem:
        raise ValueError(" ".join(str(problem).split())[:300]) from problem
    return value
