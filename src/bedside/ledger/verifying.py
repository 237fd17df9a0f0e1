"""A process that checks stretches of the ledger for another: `python -m bedside.ledger.verifying`.

It reads from its standard input a line that says where the database is, and then a line for each
stretch; to each it answers one line, or ends where it doubts. It has no key, writes nothing, and
gives way to everybody else on the machine.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import TextIO

from bedside.ledger.stretch import Stretch, check_stretch
from bedside.store.reader import Reader

NICENESS = 5
"""How far it steps back behind the service that runs on the same machine."""


def main(asked: TextIO, told: TextIO) -> None:
    """Answer until nothing more is asked."""
    os.nice(NICENESS)
    reader = Reader(json.loads(asked.readline()))
    for line in asked:
        start, stop, wanted = json.loads(line)
        told.write(written(check_stretch(reader, start, stop, frozenset(wanted))) + "\n")
        told.flush()
    reader.close()


def written(found: Stretch) -> str:
    """Return a stretch as one line of JSON."""
    fields = {
        "start": found.start,
        "size": found.size,
        "frontier": [one.hex() for one in found.frontier],
        "hashes": [one.hex() for one in found.hashes],
        "first_at": found.first_at,
        "at": found.at,
        "roots": [[size, root.hex()] for size, root in found.roots.items()],
        "nodes": len(found.nodes),
        "ids": base64.b64encode(found.ids).decode(),
    }
    return json.dumps(fields)


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
