"""`--witness` and `--earlier` of `bedside ledger verify`: what others saw of the same ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from bedside.keys.signing import PublicKey
    from bedside.ledger.audit import Verdict
    from bedside.ledger.sightings import Sighting
    from bedside.ledger.witness import Log
    from bedside.site.site import Site

WitnessOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--witness",
        help="A witness's folder or address, or a file of its checkpoints; of a site, also a name"
        " in site.toml, or `all`. More than once for more.",
    ),
]
WitnessKeyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--witness-key",
        help="The verifier key of an HTTP witness, or of one whose file you have: its cosignature"
        " must then be on it.",
    ),
]
EarlierOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--earlier", help="An export of the same ledger that was made earlier."),
]

ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the record is to be held against.

    Attributes:
        witnesses: As given.
        key: The verifier key that goes with them.
        earlier: Earlier exports.
    """

    witnesses: tuple[str, ...]
    key: str | None
    earlier: tuple[Path, ...]


class Counted:
    """Passes sightings on and remembers how far each of them went."""

    def __init__(self) -> None:
        self.agreed: dict[str, int] = {}

    def of(self, found: Iterable[Sighting]) -> Iterator[Sighting]:
        """Yield sightings; when the next is asked for, the last one agreed."""
        for one in found:
            yield one
            self.agreed[one.by] = one.size


def verify_file(path: Path, public: PublicKey, asked: Asked) -> tuple[Verdict, dict[str, int]]:
    """Verify an export; return the verdict, and up to which size who saw the same.

    Raises:
        UsageError: a file or an option that cannot be used.
        LedgerBroken: the record is not whole, or not what somebody saw.
        Unavailable: a witness does not answer.
    """
    from bedside.ledger.export import log_in, verify_export
    from bedside.ledger.witness_places import in_order, sightings_at

    log = log_in(path, public)
    counted = Counted()
    found = [sightings_at(where, log, asked.key) for where in asked.witnesses]
    found += _earlier(asked, log)
    return verify_export(path, public, counted.of(in_order(found))), counted.agreed


def verify_site(site: Site, asked: Asked) -> tuple[Verdict, dict[str, int]]:
    """Verify a site's own record; return the same.

    Raises:
        UsageError: a file or an option that cannot be used.
        LedgerBroken: the record is not whole, or not what somebody saw.
        Unavailable: a witness does not answer.
    """
    from bedside.ledger.sightings import compare
    from bedside.ledger.witness_places import in_order, sightings_at
    from bedside.ledger.witnessing import log_of

    verdict = site.verify()
    log = log_of(site.ledger)
    counted, found = Counted(), []
    names = [one.name for one in site.settings.witness.at]
    for where in asked.witnesses:
        if where == ALL or where in names:
            chosen = names if where == ALL else [where]
            found += [site.witnessing.sightings(name) for name in chosen]
        else:
            found.append(sightings_at(where, log, asked.key))
    found += _earlier(asked, log)
    compare(site.ledger, counted.of(in_order(found)))
    return verdict, counted.agreed


def _earlier(asked: Asked, log: Log) -> list[Iterator[Sighting]]:
    from bedside.errors import UsageError
    from bedside.ledger.export import origin_of, seen_in, verify_export

    for path in asked.earlier:
        if origin_of(path) != log.origin:
            raise UsageError(f"{path} is an export of another ledger, {origin_of(path)}.")
        verify_export(path, log.public)  # what proves nothing by itself is no measure
    return [seen_in(path) for path in asked.earlier]
