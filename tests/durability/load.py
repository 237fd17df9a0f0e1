"""Clients that ask for predictions and decide about them, and remember what they were told."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bedside.canonical import Json
from bedside.errors import KeyUnavailable
from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests.bedside_site import ROW
from tests.durability.service import PREDICT, Answer, Client

PATIENTS = 20


@dataclass
class Heard:
    """What one client was told.

    Attributes:
        predictions: Answers to predictions, as they came.
        times: When each of them was asked for and came, in seconds of the monotonic clock.
        decisions: Answers to decisions.
        refused: Every answer that was neither.
        lost: How often the connection was lost.
    """

    predictions: list[dict[str, Any]] = field(default_factory=list)
    times: list[tuple[float, float]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    lost: int = 0


class Asker(threading.Thread):
    """One client, with a connection of its own, which it opens again when it is lost."""

    def __init__(
        self,
        ports: Sequence[int],
        headers: Mapping[str, str],
        seed: int,
        pause: float,
        plain: bool,
    ) -> None:
        super().__init__(daemon=True)
        self.heard = Heard()
        self._ports, self._headers, self._pause, self._plain = ports, headers, pause, plain
        self._chance = random.Random(seed)  # noqa: S311 - a test draws, and can draw the same again
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            client = Client(self._chance.choice(self._ports), self._headers, 40)
            try:
                for _ in range(self._chance.randrange(5, 60)):
                    if self.enough.is_set():
                        break
                    self._ask(client)
                    self.enough.wait(self._pause)
            except (OSError, http.client.HTTPException):
                self.heard.lost += 1
                self.enough.wait(0.005)
            finally:
                client.close()

    def _ask(self, client: Client) -> None:
        body: dict[str, Json] = {"input": {**ROW, "radius": round(self._chance.uniform(7, 28), 3)}}
        if self._chance.random() < 0.5 and not self._plain:
            body["subject"] = f"patient-{self._chance.randrange(PATIENTS)}"
        begun = time.monotonic()
        answer = client.ask("POST", PREDICT, body)
        if answer.status != 200:
            self.heard.refused.append(answer)
            return
        self.heard.times.append((begun, time.monotonic()))
        self.heard.predictions.append(answer.body)
        if self._chance.random() < 0.3 and not self._plain:
            decided = client.decide(answer.body["id"])
            if decided.status == 201:
                self.heard.decisions.append(decided.body)
            else:
                self.heard.refused.append(decided)


class Load:
    """Several clients at once, while a block is entered."""

    def __init__(
        self,
        ports: Sequence[int],
        headers: Mapping[str, str],
        *,
        clients: int = 4,
        seed: int = 1,
        pause: float = 0.0,
        plain: bool = False,
    ) -> None:
        """Make ready to ask.

        Args:
            ports: Of the services that are asked.
            headers: Of a clinician.
            clients: How many ask at once.
            seed: Of what they draw: rows, subjects, when they decide and connect anew.
            pause: Seconds between two requests of one client.
            plain: Whether nobody names a patient or decides.
        """
        self.askers = [
            Asker(ports, headers, seed * 1000 + number, pause, plain) for number in range(clients)
        ]

    @property
    def predictions(self) -> list[dict[str, Any]]:
        return [one for asker in self.askers for one in list(asker.heard.predictions)]

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return [one for asker in self.askers for one in list(asker.heard.decisions)]

    @property
    def refused(self) -> list[Answer]:
        return [one for asker in self.askers for one in list(asker.heard.refused)]

    @property
    def lost(self) -> int:
        return sum(asker.heard.lost for asker in self.askers)

    def __enter__(self) -> Self:
        for asker in self.askers:
            asker.start()
        return self

    def __exit__(self, *problem: object) -> None:
        for asker in self.askers:
            asker.enough.set()
        for asker in self.askers:
            asker.join(60)
            assert not asker.is_alive()


def check_record(site: Site, load: Load) -> int:
    """Check that the record is whole and holds what the clients were told; return its predictions."""
    verdict = site.verify()
    assert verdict.signed == verdict.entries
    entries = {entry.index: entry for entry in site.ledger.entries()}
    assert sorted(entries) == list(range(verdict.entries))
    for told in load.predictions:
        entry = entries[told["recorded"]["index"]]
        assert (entry.kind, entry.about) == (EventKind.PREDICTION, told["id"]), told
        assert entry.at == told["recorded"]["at"]
        body, sealed = entry.value["body"], opened(site, entry)
        assert body["label"] == told["label"]
        assert sealed["scores"] == told["scores"]
    for told in load.decisions:
        entry = entries[told["recorded"]["index"]]
        assert (entry.kind, entry.about) == (EventKind.DECISION, told["prediction"]), told
        assert entry.at == told["recorded"]["at"]
    sealed_ones = [entry for entry in entries.values() if entry.value["sealed"] is not None]
    for entry in sealed_ones:
        opened(site, entry)
    return sum(entry.kind == EventKind.PREDICTION for entry in entries.values())


def opened(site: Site, entry: Any) -> Any:
    """The personal part of an entry; its key was durable before it."""
    try:
        return site.ledger.opened(entry)
    except KeyUnavailable as problem:
        raise AssertionError(f"entry {entry.index} does not open: {problem}") from problem
