"""What answers: the release of a model, now or at some time, and the history of its releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bedside.ledger.events import Fence
from bedside.registry.lifecycle import Act, Turn

FENCE_PREFIX: Final = "release:"


def fence_name(model: str) -> str:
    """Return the name of the ledger's fence that holds a model's release epoch (decision 2)."""
    return FENCE_PREFIX + model


def revocation_reason(fingerprint: str) -> str:
    """Return the reason of the epoch that begins when the key behind a release is revoked."""
    return f"signing key {fingerprint} revoked"


@dataclass(frozen=True, slots=True)
class Release:
    """The version that answers for a model in one epoch.

    Attributes:
        model: Name of the model.
        version: Semantic version.
        digest: Digest of its manifest.
        epoch: 1 for the model's first release; it grows with every release and rollback, with
            the retirement of what answered, and when the key that signed it is revoked.
        since: RFC 3339 time of the event in the ledger.
        by: Id of the person who released it.
        reason: In their words.
        event_id: The event in the ledger.
    """

    model: str
    version: str
    digest: str
    epoch: int
    since: str
    by: str
    reason: str
    event_id: str

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.model}@{self.version}"

    @property
    def fence(self) -> Fence:
        """What a prediction made under this release carries into the ledger."""
        return Fence(fence_name(self.model), self.epoch)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One epoch of a model; `version` and `digest` are None where nothing answers.

    The other attributes are as in `Release`; `act` is what began the epoch.
    """

    model: str
    epoch: int
    act: Act
    version: str | None
    digest: str | None
    since: str
    by: str
    reason: str
    event_id: str

    @property
    def turn(self) -> Turn:
        """The part that the rules of the lifecycle look at."""
        return Turn(self.epoch, self.act, self.version)

    @property
    def release(self) -> Release | None:
        """The release that answers in this epoch, or None."""
        if self.version is None or self.digest is None:
            return None
        return Release(
            self.model,
            self.version,
            self.digest,
            self.epoch,
            self.since,
            self.by,
            self.reason,
            self.event_id,
        )
