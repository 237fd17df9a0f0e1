"""Writes a data set's manifest from a folder, or from a table of cases; patients become pseudonyms."""

from __future__ import annotations

import csv
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from bedside.errors import NotFound, UsageError
from bedside.lab.datasets.manifest import Case, DatasetManifest, Stored, read_dataset, stored_at
from bedside.store.disk import write_new

SUFFIXES: Final = (".nii", ".nii.gz")
KNOWN: Final = ("case", "patient", "contrast")
FACT: Final = "fact:"
KEY_BYTES: Final = 32
SECRET: Final = 0o600

Naming: TypeAlias = Callable[[str], str]
"""Turns a patient's identifier into what the manifest calls them."""


@dataclass(frozen=True, slots=True)
class Words:
    """What only a person can say of a data set."""

    name: str
    licence: str
    consent_basis: str
    origin: str


def list_folder(folder: Path, role: str, words: Words, naming: Naming) -> DatasetManifest:
    """Return the manifest of a folder in which every NIfTI file is a case, and a patient, by itself.

    Args:
        folder: Looked through to any depth.
        role: What each file is, such as `labels` or `image`.
        words: What is said of it.
        naming: Of the patients; a file's name without suffix stands for the identifier.

    Raises:
        NotFound: no such file is there.
        UsageError: two files have the same name, or words are missing.
    """
    paths = sorted(one for one in folder.rglob("*") if one.name.endswith(SUFFIXES))
    if not paths:
        raise NotFound(f"{folder} holds no file that ends in {' or '.join(SUFFIXES)}.")
    rows = [
        {"case": _stem(one), "patient": _stem(one), role: one.relative_to(folder).as_posix()}
        for one in paths
    ]
    return _made(folder, rows, words, naming)


def list_table(folder: Path, table: Path, words: Words, naming: Naming) -> DatasetManifest:
    """Return the manifest of the cases that a table lists, one a line.

    Args:
        folder: Where the paths in the table start.
        table: CSV in UTF-8 with the columns `patient` (blanks around it do not count), and at will
            `case`, `contrast`, `fact:…`; every other column is a role, such as `image` and `mask`,
            and holds paths. Empty: none.
        words: What is said of it.
        naming: Of the patients.

    Raises:
        UsageError: a column is missing, or a row names no patient or does not fit.
        NotFound: a file is not there.
    """
    with table.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        columns = list(reader.fieldnames or ())
        if "patient" not in columns:
            raise UsageError(
                f"{table.name} has no column 'patient'; it has {', '.join(columns) or 'none'}.",
                advice="Say of each row whom it shows, so that a split can keep a person together.",
            )
        rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
    return _made(folder, rows, words, naming)


def keyed_naming(key_file: Path) -> Naming:
    """Return pseudonyms under a key, the same for a person in every data set listed with it.

    Who has the key can find out who is meant, by trying; without it nobody can. It is made where it
    is missing.

    Raises:
        UsageError: the file is no such key.

    Source: HMAC-SHA256 (RFC 2104), its first 80 bits.
    """
    if not key_file.exists():
        write_new(key_file, secrets.token_bytes(KEY_BYTES), SECRET)
    key = key_file.read_bytes()
    if len(key) != KEY_BYTES:
        raise UsageError(f"{key_file} has {len(key)} bytes; a key has {KEY_BYTES}.")
    return lambda identifier: "p-" + hmac.digest(key, identifier.encode(), "sha256")[:10].hex()


def as_they_are(identifier: str) -> str:
    """Return an identifier that is a pseudonym already."""
    return identifier


def _made(
    folder: Path, rows: Sequence[Mapping[str, str]], words: Words, naming: Naming
) -> DatasetManifest:
    counted: dict[str, int] = {}
    cases = []
    for number, row in enumerate(rows, start=1):
        patient = naming(_identifier(row["patient"], number))
        counted[patient] = counted.get(patient, 0) + 1
        name = row.get("case") if naming is as_they_are else None
        cases.append(
            Case.model_construct(
                name=name or f"{patient}/{counted[patient]}",
                patient=patient,
                contrast=row.get("contrast", ""),
                files=dict(_files(folder, row)),
                facts={
                    column.removeprefix(FACT): value
                    for column, value in row.items()
                    if column.startswith(FACT) and value
                },
            )
        )
    said = {"name": words.name, "licence": words.licence, "origin": words.origin}
    said["consent_basis"] = words.consent_basis
    listed = [one.model_dump(mode="json") for one in cases]
    return read_dataset({"format_version": 1, **said, "root": ".", "cases": listed}, words.name)


def _identifier(text: str, number: int) -> str:
    if not (found := text.strip()):
        raise UsageError(
            f"Row {number} names no patient.",
            advice="Say of each row whom it shows, so that a split can keep a person together.",
        )
    return found


def _files(folder: Path, row: Mapping[str, str]) -> Iterator[tuple[str, Stored]]:
    for column, value in row.items():
        if column not in KNOWN and not column.startswith(FACT) and value:
            yield column, stored_at(folder / value, value)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def rooted(manifest: DatasetManifest, folder: Path, path: Path) -> DatasetManifest:
    """Return a manifest that finds its files from where it is to be written."""
    root = Path(os.path.relpath(folder.resolve(), path.resolve().parent)).as_posix()
    return manifest.model_copy(update={"root": root})
