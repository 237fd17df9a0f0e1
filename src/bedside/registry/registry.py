"""The acts of the registry: add, verify, approve, release, roll back, retire; each with its event.

What may happen is decided by `registry.lifecycle`; this file reads where things stand, asks, and
writes event and rows in one transaction. Slow work (opening a package, replaying its golden
cases) is done before the transaction; what was read before is read again inside it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bedside.canonical import digest as digest_of
from bedside.clock import Clock, timestamp
from bedside.errors import (
    Conflict,
    NotFound,
    PackageDamaged,
    PackageRefused,
    SiteProblem,
)
from bedside.keys import trust
from bedside.keys.signing import PublicKey
from bedside.keys.trust import TrustedKey
from bedside.ledger import view
from bedside.ledger.ledger import Ledger
from bedside.package.package import Package, check_signature, open_package
from bedside.people import audit as people_audit
from bedside.people.people import People
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.registry import audit, events, lifecycle, lookup, queries, signers
from bedside.registry.lifecycle import (
    Act,
    Approval,
    Change,
    State,
    VersionRecord,
    is_model_name,
    read_ref,
    words,
)
from bedside.registry.release import HistoryEntry, Release, fence_name
from bedside.runtime.proving import HERE, Prover
from bedside.runtime.runner import GoldenReport
from bedside.store.blobs import Blobs
from bedside.store.database import Database


class Registry:
    """The versions of one site."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        people: People,
        blobs: Blobs,
        clock: Clock,
        prover: Prover = HERE,
    ) -> None:
        self._database, self._ledger = database, ledger
        self._people, self._blobs = people, blobs
        self._clock, self._prover, self.engines = clock, prover, prover.engines

    def add(self, caller: Caller, archive: bytes) -> VersionRecord:
        """Register a package as a new version, a draft.

        Raises:
            PermissionRefused: the caller may not add packages.
            PackageRefused: damaged, unsigned, or signed by nobody whom this site trusts; recorded.
            Conflict: this version is registered already.
        """
        name = digest_of(archive)
        self._people.require(caller, Action.PACKAGE_ADD, name)
        try:
            package = open_package(archive)
            signer = check_signature(package, self._trusted())
        except PackageRefused as refusal:
            self._ledger.record(events.package_refused(caller, name, name, refusal))
            raise
        manifest = package.manifest
        with self._database.read() as connection:
            if queries.archive_of(connection, package.digest) != name:
                _refuse_known(connection, package)
        self._blobs.put(archive)  # the same archive again mends its blob, if that was damaged
        with self._people.acting(caller, Action.PACKAGE_ADD, name) as connection:
            _refuse_known(connection, package)
            record = VersionRecord(
                manifest.name,
                manifest.version,
                package.digest,
                name,
                State.DRAFT,
                caller.person.id,
                "",
            )
            draft = events.package_added(caller, record, signer.fingerprint)
            (entry,) = self._ledger.append(connection, [draft])
            record = replace(record, registered_at=entry.at)
            queries.add_version(connection, record, entry.id)
        return record

    def verify(self, caller: Caller, ref: str) -> VersionRecord:
        """Load a version on this machine and replay its golden cases; a draft becomes verified.

        Raises:
            PermissionRefused: the caller may not verify.
            PackageRefused: damaged, no longer trusted, not for this machine, or another answer
                than a golden case must get; recorded, and no state changes.
            NotFound: there is no such version.
            Conflict: it is retired.
        """
        self._people.require(caller, Action.PACKAGE_VERIFY, ref)
        record = self.version(ref)
        lifecycle.verified(record)
        golden = self._proved(caller, record)
        with self._people.acting(caller, Action.PACKAGE_VERIFY, ref) as connection:
            after = lifecycle.verified(lookup.one(connection, ref))
            self._ledger.append(connection, [events.package_verified(caller, after, golden)])
            queries.set_states(connection, after.model, {after.version: after.state})
        return after

    def approve(self, caller: Caller, ref: str, meaning: str) -> VersionRecord:
        """Approve a version; the second approval makes a verified version approved.

        Args:
            caller: The approver.
            ref: `name@version`.
            meaning: What the approval says, in the approver's words.

        Raises:
            PermissionRefused: the caller is no approver, or registered the version; recorded.
            UsageError: the meaning says nothing.
            NotFound: there is no such version.
            Conflict: a draft, retired, or approved by the caller already.
            LedgerBroken: people, keys or this model's rows are not as the ledger tells.
        """
        with self._people.acting(caller, Action.APPROVE, ref) as connection:
            said = words(meaning, "meaning of the approval", lifecycle.MIN_MEANING)
            given = Approval(caller.person.id, caller.person.name, said, "", "")
            _refuse_untold(connection, read_ref(ref)[0])
            after = lifecycle.approved(lookup.one(connection, ref), given)
            (entry,) = self._ledger.append(connection, [events.approval(caller, after)])
            given = replace(given, at=entry.at, event_id=entry.id)
            after = replace(after, approvals=(*after.approvals[:-1], given))
            queries.add_approval(connection, after)
            queries.set_states(connection, after.model, {after.version: after.state})
        return after

    def release(self, caller: Caller, ref: str, reason: str) -> Release:
        """Let a version answer for its model from now on; the one before goes back to approved.

        Raises:
            PermissionRefused: the caller may not release.
            UsageError: no reason.
            PackageRefused: it no longer proves itself on this machine; recorded, nothing switches.
            LedgerBroken: people, keys or this model's rows are not as the ledger tells.
            NotFound: there is no such version.
            Conflict: not approved, retired, or released already.
        """
        self._people.require(caller, Action.RELEASE, ref)
        model, version = read_ref(ref)
        said = words(reason, "reason")
        with self._database.read() as connection:
            lifecycle.release(lookup.known(connection, model), version)
        self._proved(caller, self.version(ref))
        with self._people.acting(caller, Action.RELEASE, ref) as connection:
            _refuse_untold(connection, model)
            change = lifecycle.release(lookup.known(connection, model), version)
            self._carry_out(connection, caller, Act.RELEASE, ref, change, said)
            return lookup.answering(connection, model)

    def rollback(self, caller: Caller, model: str, reason: str, to: str | None = None) -> Release:
        """Go back to the version released before, or to the earlier release `to`.

        Raises:
            PermissionRefused: the caller may not roll back.
            UsageError: no reason.
            PackageRefused: the earlier version no longer proves itself here; nothing switches.
            LedgerBroken: people, keys or this model's rows are not as the ledger tells.
            NotFound: there is no such model.
            Conflict: there is no earlier release, or `to` is not one, or somebody switched
                meanwhile.
        """
        self._people.require(caller, Action.ROLLBACK, model)
        said = words(reason, "reason")
        with self._database.read() as connection:
            planned = lookup.plan_rollback(connection, model, to)
        record = self.version(f"{model}@{planned.after}")
        self._proved(caller, record)
        with self._people.acting(caller, Action.ROLLBACK, model) as connection:
            _refuse_untold(connection, model)
            change = lookup.plan_rollback(connection, model, to)
            if change != planned:
                raise Conflict(
                    f"Somebody switched {model} meanwhile: {change.before} answers now.",
                    advice="Look at the history, then decide again.",
                )
            self._carry_out(connection, caller, Act.ROLLBACK, record.ref, change, said)
            return lookup.answering(connection, model)

    def retire(self, caller: Caller, ref: str, reason: str) -> VersionRecord:
        """Take a version out for good; if it is the released one, nothing answers any more.

        Raises:
            PermissionRefused: the caller may not retire.
            UsageError: no reason.
            NotFound: there is no such version.
            Conflict: it is retired already.
        """
        with self._people.acting(caller, Action.RETIRE, ref) as connection:
            said = words(reason, "reason")
            record = lookup.one(connection, ref)
            change = lifecycle.retire(queries.of_model(connection, record.model), record.version)
            self._carry_out(connection, caller, Act.RETIREMENT, ref, change, said)
            return lookup.one(connection, ref)

    def version(self, ref: str) -> VersionRecord:
        """Return a version as it stands.

        Raises:
            UsageError: not written `name@version`.
            NotFound: there is no such version.
        """
        with self._database.read() as connection:
            return lookup.one(connection, ref)

    def versions(self, model: str | None = None) -> tuple[VersionRecord, ...]:
        """Return every version, of one model if it is named, oldest first; none if it is unknown."""
        if model is not None and not is_model_name(model):
            return ()
        with self._database.read() as connection:
            return queries.records(connection, model)

    def released(self) -> tuple[Release, ...]:
        """Return what answers now, one release for each model that has one, by name."""
        with self._database.read() as connection:
            return lookup.releases(queries.standing(connection))

    def released_for(self, model: str) -> Release:
        """Return what answers for a model now.

        Raises:
            NotFound: the site knows no such model.
            Unavailable: it has no release.
        """
        with self._database.read() as connection:
            return lookup.answering(connection, model)

    def history(self, model: str) -> tuple[HistoryEntry, ...]:
        """Return every epoch of a model, oldest first.

        Raises:
            NotFound: the site knows no such model.
        """
        with self._database.read() as connection:
            lookup.known(connection, model)
            return queries.history(connection, model)

    def at(self, moment: datetime) -> tuple[Release, ...]:
        """Return what answered at `moment`, by model; exact to the times in the ledger.

        A release counts from its own time on (inclusive); now is what stands now. About a moment
        less than `lookup.RECENT` ago it waits for whoever is recording just now.

        Raises:
            UsageError: `moment` has no zone, or has not come yet.
            Conflict: the ledger's times run ahead of the clock, so that they do not tell.
            Unavailable: the database does not answer.
        """
        until = timestamp(moment)
        recent = self._clock() - moment < lookup.RECENT
        # with the pen in hand nobody is about to record a release whose time lies before now
        with self._database.write() if recent else self._database.read() as connection:
            return lookup.at(connection, until, timestamp(self._clock()))

    def check(self, model: str) -> None:
        """Check that versions, approvals and releases of a model are as the ledger tells.

        Raises:
            LedgerBroken: they are not; the message names the differences.
        """
        with self._database.read() as connection:
            view.refuse(audit.differences(connection, model))

    def package(self, digest: str) -> Package:
        """Return a registered package by its manifest's digest, opened and checked again.

        Raises:
            NotFound: no version has this digest.
            PackageDamaged: the archive is gone, or not what was registered.
            SignatureRefused: the key that signed it is trusted no more.
        """
        with self._database.read() as connection:
            archive = queries.archive_of(connection, digest)
        if archive is None:
            raise NotFound(f"No version here has the digest {digest[:100]!r}.")
        try:
            package = open_package(self._blobs.get(archive))
        except (NotFound, SiteProblem) as problem:
            raise PackageDamaged(problem.message, advice=problem.advice) from problem
        if package.digest != digest:
            raise PackageDamaged(f"The archive {archive} holds {package.digest}, not {digest}.")
        check_signature(package, self._trusted())
        return package

    def trust_key(self, caller: Caller, public_key: PublicKey, name: str) -> TrustedKey:
        """Trust packages signed with this key from now on.

        Raises:
            PermissionRefused: the caller may not manage keys.
            UsageError: the name cannot be used.
            Conflict: the key is trusted already.
        """
        with self._people.acting(caller, Action.KEYS_MANAGE, public_key.fingerprint) as connection:
            return signers.trust_key(self._ledger, connection, caller, public_key, name)

    def revoke_key(self, caller: Caller, fingerprint: str) -> TrustedKey:
        """Trust packages signed with this key no more; what they answered stays in the record.

        Each model whose released package it signed begins an epoch, so that from now on no
        process answers with that package.

        Raises:
            PermissionRefused: the caller may not manage keys.
            NotFound: no such key was ever trusted.
            Conflict: it is revoked already.
        """
        with self._people.acting(caller, Action.KEYS_MANAGE, fingerprint) as connection:
            return signers.revoke_key(self._ledger, connection, caller, fingerprint)

    def trusted_keys(self) -> tuple[TrustedKey, ...]:
        """Return the keys whose packages this site accepts, oldest first."""
        with self._database.read() as connection:
            return trust.trusted(connection)

    def _trusted(self) -> tuple[PublicKey, ...]:
        return tuple(key.public for key in self.trusted_keys())

    def _proved(self, caller: Caller, record: VersionRecord) -> GoldenReport:
        """Return what the replay of a version on this machine found; a refusal is recorded."""
        try:
            return self._prover.prove(self.package(record.digest))
        except PackageRefused as refusal:
            draft = events.package_refused(caller, record.ref, record.archive, refusal)
            self._ledger.record(draft)
            raise

    def _carry_out(
        self,
        connection: Connection,
        caller: Caller,
        act: Act,
        ref: str,
        change: Change,
        reason: str,
    ) -> None:
        """Write the event, the states and, where what answers changes, the next epoch."""
        model, version = read_ref(ref)
        versions = lifecycle.carried_out(queries.of_model(connection, model), change)
        fence = fence_name(model)
        epoch = self._ledger.advance_fence(connection, fence) if change.switches else None
        draft = events.switch(caller, act, versions[version], change, epoch, reason)
        (entry,) = self._ledger.append(connection, [draft])
        queries.set_states(connection, model, change.states)
        if epoch is not None:
            digest = None if change.after is None else versions[change.after].digest
            begun = HistoryEntry(
                model,
                epoch,
                act,
                change.after,
                digest,
                since=entry.at,
                by=caller.person.id,
                reason=reason,
                event_id=entry.id,
            )
            queries.add_history(connection, begun)


def _refuse_untold(connection: Connection, model: str) -> None:
    """Check that nobody wrote approvals, states, roles or keys past the ledger."""
    view.refuse(people_audit.differences(connection) + audit.differences(connection, model))


def _refuse_known(connection: Connection, package: Package) -> None:
    known = queries.of_model(connection, package.manifest.name).get(package.manifest.version)
    if known is None:
        return
    if known.digest == package.digest:
        raise Conflict(f"{known.ref} is registered already, exactly so; it is {known.state}.")
    raise Conflict(
        f"{known.ref} is registered already with the digest {known.digest}; this package has "
        f"{package.digest}. A version is immutable.",
        advice="Freeze the changed model under a new version number.",
    )
