"""What stands in a zip of `torch.save`, entry by entry; any other entry is a doubt.

PyTorch's reader looks names up in upper and lower case alike, and takes the folder of the first
entry for that of all. So one folder, these names in exactly this case, and nothing else.

Source: PyTorch 2.13, torch/serialization.py (_save) and caffe2/serialize/inline_container.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

UNKNOWN: Final = "zip archive"
"""What an archive is called that nobody here can name; it always has a doubt."""

_PROGRAM: Final = "data.pkl"
_BESIDE: Final = frozenset(
    {
        *("version", "byteorder", ".format_version", ".storage_alignment"),
        *(".data/version", ".data/serialization_id"),
    }
)
_TENSORS: Final = "data/"


class Plan(NamedTuple):
    """How the entries of an archive are to be taken.

    Attributes:
        kind: What kind of archive it is.
        program: The name of the entry that PyTorch unpickles.
        known: Names of the entries that nobody unpickles.
        doubts: What `torch.save` would not have written.
    """

    kind: str
    program: str | None
    known: frozenset[str]
    doubts: tuple[str, ...]


def plan_of(names: Sequence[str]) -> Plan:
    """Return how an archive with entries of these names is to be taken."""
    tops = {name.partition("/")[0] for name in names}
    programs = [name for name in names if name.count("/") == 1 and name.endswith("/" + _PROGRAM)]
    if len(programs) != 1:
        return Plan(UNKNOWN, None, frozenset(), ("it is an archive of an unknown kind",))
    known = frozenset(name for name in names if _is_known(name.partition("/")[2]))
    doubts = []
    script = any("/code/" in name or name.endswith("/constants.pkl") for name in names)
    if script:
        doubts.append("it holds a program in TorchScript, which runs when the network is used")
    if len(tops) != 1:
        doubts.append(f"it has {len(tops)} folders, and torch.save writes one")
    odd = [name for name in names if name not in known and name != programs[0]]
    if odd:
        doubts.append(f"it holds {odd[0][:80]!r}, which torch.save does not write")
    kind = "TorchScript archive" if script else "PyTorch archive"
    return Plan(kind, programs[0], known, tuple(doubts))


def _is_known(name: str) -> bool:
    number = name.removeprefix(_TENSORS)
    return name in _BESIDE or (number != name and number.isascii() and number.isdigit())
