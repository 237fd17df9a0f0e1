"""Gathers a trace from the ledger, the registry's blobs and the people of a site."""

from __future__ import annotations

from bedside.canonical import Json, read_json
from bedside.errors import KeyUnavailable, NotFound, PackageDamaged
from bedside.ledger.events import Entry, EventKind
from bedside.ledger.ledger import Ledger
from bedside.package.manifest import Manifest
from bedside.package.package import open_package
from bedside.people.people import People
from bedside.registry.registry import Registry
from bedside.serving.trace import Proved, Told, Trace, tell
from bedside.serving.values import Shown
from bedside.store.blobs import Blobs

LIFECYCLE = (
    EventKind.PACKAGE_ADDED,
    EventKind.PACKAGE_VERIFIED,
    EventKind.APPROVAL,
    EventKind.RELEASE,
    EventKind.ROLLBACK,
    EventKind.RETIREMENT,
)
"""The events that a version's own story is told from."""

MOST = 1000
"""Events of one kind that are told of one prediction or version."""


class Story:
    """Reads what happened; changes nothing but the signing of a checkpoint."""

    def __init__(self, ledger: Ledger, people: People, registry: Registry, blobs: Blobs) -> None:
        self._ledger = ledger
        self._people = people
        self._registry = registry
        self._blobs = blobs

    def prediction(self, prediction_id: str) -> Entry:
        """Return the ledger's entry of a prediction.

        Raises:
            NotFound: no such prediction is recorded.
        """
        found = self._ledger.find(kind=EventKind.PREDICTION, about=prediction_id, limit=1)
        if not found:
            raise NotFound(
                f"There is no prediction {prediction_id[:60]!r}.",
                advice="Use the id that came with the answer.",
            )
        return found[0]

    def manifest(self, ref: str, package: str) -> Manifest:
        """Return the manifest of a registered version, whose digest the ledger vouches for.

        Its signature is not asked for again: what answered then is told even where the key that
        signed it is trusted no more.

        Raises:
            PackageDamaged: the archive is not the one that the ledger names.
            NotFound: the version or its archive is not here.
        """
        opened = open_package(self._blobs.get(self._registry.version(ref).archive))
        if opened.digest != package:
            raise PackageDamaged(
                f"The archive of {ref} holds {opened.digest}; the ledger names {package}.",
                advice="Restore the blobs from the backup.",
            )
        return opened.manifest

    def shown(self, prediction: Entry) -> Shown:
        """Return the label that a prediction showed, and the labels of its model.

        Raises:
            PackageDamaged, NotFound: as `manifest`.
        """
        body = prediction.value["body"]
        output = self.manifest(f"{body['model']}@{body['version']}", body["package"]).postprocessing
        labels = () if output.kind == "number" else tuple(one.label for one in output.classes)
        return Shown(body["label"], labels)

    def trace(self, prediction_id: str) -> Trace:
        """Return the story of a prediction with its proofs.

        Raises:
            NotFound: no such prediction is recorded, or its package's archive is gone.
            PackageDamaged: the archive is not the one that the ledger names.
        """
        prediction = self.prediction(prediction_id)
        body = prediction.value["body"]
        ref = f"{body['model']}@{body['version']}"
        decisions = self._ledger.find(kind=EventKind.DECISION, about=prediction_id, limit=MOST)
        lifecycle = sorted(
            (
                entry
                for kind in LIFECYCLE
                for entry in self._ledger.find(kind=kind, about=ref, limit=MOST)
            ),
            key=lambda entry: entry.index,
        )
        entries = sorted([prediction, *decisions, *lifecycle], key=lambda entry: entry.index)
        checkpoint = self._ledger.checkpoint()
        names: dict[str, str] = {}
        return Trace(
            prediction=self._told(prediction, names),
            decisions=tuple(self._told(one, names) for one in decisions),
            lifecycle=tuple(self._told(one, names) for one in lifecycle),
            manifest=self.manifest(ref, body["package"]),
            proofs=tuple(
                Proved(
                    one.index,
                    one.event,
                    one.salt,
                    self._ledger.inclusion(one.index, checkpoint.size),
                )
                for one in entries
            ),
            checkpoint=checkpoint,
            key=self._ledger.public_key.fingerprint,
        )

    def _told(self, entry: Entry, names: dict[str, str]) -> Told:
        actor = entry.value["actor"]
        if actor not in names:
            names[actor] = self._name(actor)
        personal: Json | None = None
        erased = ""
        try:
            personal = self._ledger.opened(entry)
            if entry.kind == EventKind.PREDICTION and personal is not None:
                personal |= {"input": read_json(personal["input"].encode())}
        except KeyUnavailable as problem:
            erased = problem.message  # told as such: the proofs hold without the key
        return tell(entry, names[actor], personal, erased)

    def _name(self, actor: str) -> str:
        try:
            return self._people.get(actor).name
        except NotFound:
            return ""  # "system", which is nobody
