"""A process that is to be killed: it says each index when it is durable, and goes on."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

from bedside.clock import system_clock
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from tests.ledger.drafts import prediction


def main() -> None:
    """Record events one by one; write each index as soon as `record` has returned it."""
    asked = json.loads(sys.argv[1])
    database = Database.open(asked["database"])
    keys = SubjectKeys.open(asked["keys"], SiteKey(base64.b64decode(asked["site_key"])))
    signer = SigningKey.load(Path(asked["signer"]))
    ledger = Ledger(database, keys, signer, "bedside/test", system_clock)
    group = GroupCommit(ledger)
    group.start()
    number = 0
    while True:
        number += 1
        draft = prediction(number=number, sealed={"n": number}, key=keys.for_nobody())
        if sys.argv[2] == "single":
            (entry,) = ledger.record(draft)
        else:
            others = [group.submit([prediction()]) for _ in range(3)]
            (entry,) = group.submit([draft]).result()
            for other in others:
                other.result()
        os.write(1, f"{entry.index} {entry.id}\n".encode())


if __name__ == "__main__":
    main()
