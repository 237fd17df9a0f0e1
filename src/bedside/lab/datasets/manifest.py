"""A data set's manifest: every file with its digest, whose it is, under which licence and consent."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, ValidationError, model_validator

from bedside.canonical import Json, canonical_bytes, digest, read_json
from bedside.errors import LimitExceeded, NotFound, UsageError
from bedside.package.fields import Frozen
from bedside.package.manifest import DataSet
from bedside.package.networks import Digest, Line
from bedside.store.disk import replace_file

MOST_BYTES: Final = 256 * 2**20
MODE: Final = 0o644
IMAGE: Final = "image"
MASK: Final = "mask"

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,39}(?:\.[a-z0-9][a-z0-9-]{0,39})?")


def _checked_role(role: str) -> str:
    if not _ROLE.fullmatch(role):
        raise ValueError(f"{role[:90]!r} must be like image, labels, mask or mask.second-reader")
    return role


Role: TypeAlias = Annotated[str, AfterValidator(_checked_role)]
"""What a file is in its case; after a point, which of several of one kind."""


class Stored(Frozen):
    """A file, or a folder that holds one series.

    Attributes:
        path: From the data set's root, with /.
        size: Bytes; of a folder, of all its files.
        digest: Of the file; of a folder, of the canonical JSON of its files' digests by path.
    """

    path: Annotated[str, Field(min_length=1, max_length=4_096)]
    size: Annotated[int, Field(ge=0)]
    digest: Digest


class Case(Frozen):
    """One examination.

    Attributes:
        name: What it is called in tables; nobody's name.
        patient: The pseudonym of whom it shows.
        contrast: Such as T1, FLAIR or CT; empty where it has none.
        files: By what they are in the case, such as `image`, `mask`, `labels`.
        facts: What subgroups are made of, such as `sex` or `scanner`.
    """

    name: Line
    patient: Line
    contrast: Annotated[str, Field(max_length=60)] = ""
    files: Annotated[dict[Role, Stored], Field(min_length=1)]
    facts: dict[Line, Line] = Field(default_factory=dict)

    def roles(self, kind: str) -> tuple[str, ...]:
        """Return the roles of one kind: `mask`, and `mask.…`."""
        return tuple(sorted(one for one in self.files if one.partition(".")[0] == kind))


class DatasetManifest(Frozen):
    """All of a data set's manifest.

    Attributes:
        name: What it is called.
        licence: Under which its files may be used.
        consent_basis: Why they may be: what the patients agreed to, or that they show nobody.
        origin: Where they come from.
        root: Folder that the paths start from, seen from the manifest; no part of the digest.
        cases: Each name stands once.
    """

    format_version: Literal[1] = 1
    name: Line
    licence: Line
    consent_basis: Line
    origin: Line
    root: Annotated[str, Field(max_length=4_096)] = "."
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_each_case_once(self) -> Self:
        names = [one.name for one in self.cases]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the case {twice!r} stands twice")
        return self

    @property
    def digest(self) -> str:
        """The digest that names the data set, wherever its files lie."""
        return digest(canonical_bytes(self.model_dump(mode="json", exclude={"root"})))


class Dataset:
    """A data set that was opened.

    Attributes:
        manifest: What it says of itself.
        folder: Where its paths start.
    """

    def __init__(self, manifest: DatasetManifest, folder: Path) -> None:
        self.manifest = manifest
        self.folder = folder

    @property
    def cases(self) -> tuple[Case, ...]:
        """All cases, in the manifest's order."""
        return self.manifest.cases

    def path_of(self, case: Case, role: str) -> Path:
        """Return where a file lies, after its bytes were found to be those of the manifest.

        Raises:
            NotFound: the case has no such file, or it is not there.
            UsageError: it is another one than the manifest says.
        """
        stored = case.files.get(role)
        if stored is None:
            raise NotFound(
                f"The case {case.name!r} of {self.manifest.name} has no {role!r}.",
                advice=f"It has {', '.join(sorted(case.files))}.",
            )
        path = self.folder / stored.path
        if (found := stored_at(path, stored.path)) != stored:
            raise UsageError(
                f"{path} is not the file of the manifest: it has {found.size} bytes and "
                f"{found.digest[:18]}…, which should be {stored.size} and {stored.digest[:18]}….",
                advice="Bring the file back, or write the manifest anew; then it is another data set.",
            )
        return path

    def described(self, cases: tuple[Case, ...], part: str = "") -> DataSet:
        """Return how a record, a lineage or an evaluation names these cases.

        Its digest is the whole data set's where all cases are meant; of a part, that of their list.
        """
        told = self.manifest
        whole = cases == told.cases
        rows = [one.model_dump(mode="json") for one in cases]
        return DataSet(
            name=f"{told.name}, {part}" if part else told.name,
            digest=told.digest if whole else digest(canonical_bytes([told.digest, rows])),
            rows=len(cases),
            licence=told.licence,
            consent_basis=told.consent_basis,
            origin=told.origin,
        )


def open_dataset(path: Path, root: Path | None = None) -> Dataset:
    """Return the data set of a manifest.

    Args:
        path: The manifest.
        root: Where its paths start; None takes what it says.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MOST_BYTES`.
        UsageError: no manifest; names the first fault.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no manifest at {path}.",
            advice="Write one with `bedside lab dataset`, or give its path.",
        )
    if path.stat().st_size > MOST_BYTES:
        raise LimitExceeded(f"The manifest {path.name} is larger than {MOST_BYTES} bytes.")
    try:
        value = read_json(path.read_bytes())
    except UsageError as problem:
        raise UsageError(
            f"{path.name} is no manifest of a data set: {problem}",
            advice="Write one with `bedside lab dataset`; rows of pictures go in with --table.",
        ) from problem
    manifest = read_dataset(value, path.name)
    return Dataset(manifest, (path.parent / manifest.root) if root is None else root)


def read_dataset(value: Json, name: str) -> DatasetManifest:
    """Return a manifest from its JSON; `name` is how messages call it.

    Raises:
        UsageError: it does not fit; names the first fault.
    """
    try:
        return DatasetManifest.model_validate_json(canonical_bytes(value))
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name} is no manifest of a data set: {place}: {first['msg']}."
        ) from problem


def write_dataset(manifest: DatasetManifest, path: Path) -> None:
    """Write a manifest as canonical JSON.

    Raises:
        UsageError: the folder is not there or takes no file.
    """
    try:
        replace_file(path, canonical_bytes(manifest.model_dump(mode="json")), MODE)
    except OSError as problem:
        raise UsageError(f"{path} cannot be written: {problem.strerror}.") from problem


def stored_at(path: Path, named: str) -> Stored:
    """Return size and digest of a file, or of a folder with a series.

    Raises:
        NotFound: there is neither.
    """
    try:
        if path.is_dir():
            inside = [one for one in sorted(path.rglob("*")) if one.is_file()]
            digests = {one.relative_to(path).as_posix(): _digest_of(one) for one in inside}
            size = sum(one.stat().st_size for one in inside)
            return Stored(path=named, size=size, digest=digest(canonical_bytes(digests)))
        return Stored(path=named, size=path.stat().st_size, digest=_digest_of(path))
    except OSError as problem:
        raise NotFound(f"{path} cannot be read: {problem.strerror}.") from problem


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
