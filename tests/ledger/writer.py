"""A process of its own that appends to a shared ledger: `python -m tests.ledger.writer …`."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from bedside.clock import system_clock
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.fences import FenceMoved
from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from tests.ledger.drafts import prediction

TURNS = 40
FENCED = "fenced@1.0.0"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Append, now alone and now by the group, and say which entries were made."""
    asked = json.loads(sys.argv[1])
    database = Database.open(asked["database"])
    site_key = SiteKey(base64.b64decode(asked["site_key"]))
    subject_keys = SubjectKeys.open(asked["keys"], site_key)
    signer = SigningKey.load(Path(asked["signer"]))
    ledger = Ledger(database, subject_keys, signer, "bedside/test", system_clock)
    group = GroupCommit(ledger)
    group.start()
    say("ready")
    sys.stdin.readline()
    made: list[int] = []
    moved = 0
    for turn in range(TURNS):
        key = subject_keys.for_subject(f"patient-{turn % 5}")
        drafts = [prediction(number=turn, sealed={"turn": turn}, key=key), prediction()]
        futures = [group.submit(drafts), group.submit([prediction(FENCED, fence=0)])]
        made += [entry.index for entry in ledger.record(prediction(), prediction())]
        for future in futures:
            try:
                made += [entry.index for entry in future.result(60)]
            except FenceMoved:
                moved += 1
        if turn % 10 == 9:
            ledger.checkpoint()
    group.close()
    subject_keys.close()
    database.close()
    say(json.dumps({"made": made, "moved": moved}))


if __name__ == "__main__":
    main()
