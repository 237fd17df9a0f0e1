"""Gathers a trace from the ledger, the registry's blobs and the people of a site."""

from __future__ import annotations

from contextlib import suppress

from bedside.canonical import Json, read_json
from bedside.errors import KeyUnavailable, NotFound, PackageDamaged
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import erasure, view
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.erasure import Erasure
from bedside.ledger.events import Entry, EventKind
from bedside.ledger.ledger import Ledger
from bedside.package.manifest import Manifest
from bedside.package.outputs import NumberOutput
from bedside.package.package import open_package
from bedside.package.segmentation import SegmentationOutput
from bedside.people.people import People
from bedside.registry.registry import Registry
from bedside.serving.reading import erasure_told, pseudonymous
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

    def __init__(
        self,
        ledger: Ledger,
        people: People,
        registry: Registry,
        subject_keys: SubjectKeys,
        blobs: Blobs,
    ) -> None:
        self._ledger = ledger
        self._subject_keys = subject_keys
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

    def asked(self, asked_id: str) -> Entry:
        """Return the entry of a prediction, or of what was asked for and not answered.

        That is an analysis that was cancelled or failed, by its id; or what was refused, by the id of
        its event, which is an analysis's own.

        Raises:
            NotFound: nothing of it is recorded.
        """
        for kind in (EventKind.PREDICTION, EventKind.ANALYSIS_ENDED):
            for found in self._ledger.find(kind=kind, about=asked_id, limit=1):
                return found
        with suppress(NotFound):
            entry = self._ledger.entry_of(asked_id)
            if entry.kind == EventKind.REFUSAL:
                return entry
        raise NotFound(
            f"There is no prediction or analysis {asked_id[:60]!r} on record.",
            advice="Use the id that came with the answer; an analysis is told of once it is over.",
        )

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
        if isinstance(output, NumberOutput | SegmentationOutput):
            return Shown(body["label"])  # it is taken or not: no label is shown
        labels = tuple(one.label for one in output.classes)
        return Shown(body["label"], labels)

    def trace(self, prediction: Entry, *, subject: bool = True) -> Trace:
        """Return the story of a prediction, or of what was not answered, with its proofs.

        Args:
            prediction: Its entry; see `asked`.
            subject: Whether the person's identifier is told; else a pseudonym.

        Raises:
            NotFound: its package's archive is gone.
            PackageDamaged: the archive is not the one that the ledger names.
        """
        decisions: tuple[Entry, ...] = ()
        if prediction.kind == EventKind.PREDICTION:
            about = prediction.about
            decisions = self._ledger.find(kind=EventKind.DECISION, about=about, limit=MOST)
        lifecycle, manifest = self._version(prediction.value["body"])
        gone = self._erasure(prediction)
        erasures = self._ledger.find(kind=EventKind.ERASURE, about=gone.id) if gone else ()
        everything = [prediction, *decisions, *lifecycle, *erasures]
        entries = sorted(everything, key=lambda entry: entry.index)
        checkpoint = self._covering(entries[-1].index)
        teller = _Teller(self._ledger, self._people, self._subject_keys, gone, subject)
        return Trace(
            prediction=teller.told(prediction),
            decisions=tuple(teller.told(one) for one in decisions),
            lifecycle=tuple(teller.told(one) for one in lifecycle),
            manifest=manifest,
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
            erasures=tuple(teller.told(one) for one in erasures),
        )

    def _version(self, body: dict[str, Json]) -> tuple[list[Entry], Manifest | None]:
        """Return the events and the manifest of the version that an event names, if it names one."""
        if "package" not in body:
            return [], None
        ref = f"{body['model']}@{body['version']}"
        lifecycle = [
            entry
            for kind in LIFECYCLE
            for entry in self._ledger.find(kind=kind, about=ref, limit=MOST)
        ]
        lifecycle.sort(key=lambda entry: entry.index)
        return lifecycle, self.manifest(ref, body["package"])

    def _covering(self, index: int) -> Checkpoint:
        """Return a signed head over entry `index`: the latest, or a new one where that is older."""
        latest = self._ledger.latest_checkpoint()
        return latest if latest and latest.size > index else self._ledger.checkpoint()

    def _erasure(self, prediction: Entry) -> Erasure | None:
        """Return the erasure of a prediction whose key is gone, or None."""
        sealed = prediction.value["sealed"]
        if sealed is None:
            return None
        key_id = sealed["key"]
        if self._subject_keys.standing([key_id]):
            return None
        with self._ledger.database.read() as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
        return told.erased(key_id)


class _Teller:
    """Tells entries to one reader."""

    def __init__(
        self,
        ledger: Ledger,
        people: People,
        subject_keys: SubjectKeys,
        gone: Erasure | None,
        subject: bool,
    ) -> None:
        self._ledger = ledger
        self._people = people
        self._pseudonyms = subject_keys.pseudonyms
        self._subject = subject
        self._names: dict[str, str] = {}
        self._gone = None if gone is None else self._told_erasure(gone)

    def told(self, entry: Entry) -> Told:
        """Return an entry as this reader may hear it."""
        name = self._name(entry.value["actor"])
        try:
            personal = self._personal(entry)
        except KeyUnavailable as problem:  # told as such: the proofs hold without the key
            return tell(entry, name, None, problem.message, self._gone)
        return tell(entry, name, personal, "")

    def _personal(self, entry: Entry) -> Json | None:
        personal = self._ledger.opened(entry)
        if personal is None:
            return None
        if not self._subject:
            if entry.kind == EventKind.REFUSAL:  # nothing was checked of it: it may name anybody
                personal = {"subject": personal["subject"]}
            pseudonym = self._pseudonyms.of(entry.value["sealed"]["key"])
            personal = pseudonymous(personal, pseudonym)
        if entry.kind == EventKind.PREDICTION:
            personal |= {"input": read_json(personal["input"].encode())}
        return personal

    def _told_erasure(self, gone: Erasure) -> dict[str, Json]:
        acts = (gone.requested, gone.confirmed or gone.requested)
        return erasure_told(gone, {act.by: self._name(act.by) for act in acts})

    def _name(self, actor: str) -> str:
        if actor not in self._names:
            try:
                self._names[actor] = self._people.get(actor).name
            except NotFound:
                self._names[actor] = ""  # "system", which is nobody
        return self._names[actor]
