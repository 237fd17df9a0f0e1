"""`bedside ledger witness …`: who sees this ledger grow, and whose ledgers this site sees grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.door import entered, open_site
from bedside.cli.errors import document, refused
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.screen import Page, progress, show
from bedside.cli.secrets import refuse_taken
from bedside.errors import LedgerBroken, NotFound, UsageError

if TYPE_CHECKING:
    from bedside.ledger.witnessing import WitnessState

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As in site.toml.")]
OriginArgument = Annotated[
    str, typer.Argument(metavar="ORIGIN", help="The ledger's name, as `list` shows it.")
]


def status(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Show where each witness of this ledger stands, as far as is known here."""
    with open_site(site, hold=False) as opened:
        states = opened.witnessing.states()
    show(_states(states), lambda page: _tell_states(page, states), as_json=as_json)


def send(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One of them; else all.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Let the witnesses see the ledger as it is now; a service does so by itself."""
    with open_site(site, hold=False) as opened, progress("Asking the witnesses"):
        states = opened.witnessing.send(name)
    problem = _summed_up(states)
    value = _states(states) | (document(problem) if problem else {})
    show(value, lambda page: _tell_states(page, states), as_json=as_json)
    if problem is not None:
        raise refused(problem)


def show_seen(
    name: NameArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it to this file instead.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Show the last checkpoint that a witness saw, with its signature if it signs."""
    refuse_taken(out)
    with open_site(site, hold=False) as opened:
        opened.witnessing.witness(name)
        [state] = [one for one in opened.witnessing.states() if one.name == name]
    if not state.note:
        raise NotFound(f"The witness {name} saw nothing yet.", advice="bedside ledger witness send")
    if out is not None:
        out.write_text(state.note, encoding="utf-8")
    value: dict[str, Json] = {"witness": name, "size": state.size, "note": state.note}
    told = state.note.rstrip("\n") if out is None else f"{out}: {state.size} entries"
    show(value, lambda page: page.line(told), as_json=as_json)


def accept(
    name: NameArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why the entries are lost for good.")],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that entries which a witness saw are lost, as after a restore, and go on."""
    from bedside.people.permissions import Action
    from bedside.site.witnesses import accept_loss

    if not reason.strip():
        raise UsageError("A loss needs a reason.", advice="Say what happened, in a sentence.")
    with entered(site, key_file, hold=False) as (opened, caller):
        opened.people.require(caller, Action.KEYS_MANAGE, "witness")
        with progress(f"Asking the witness {name}"):
            draft = accept_loss(opened.ledger, opened.witnessing, caller, name, reason.strip())
    value: dict[str, Json] = {"event": draft.id, **draft.body}

    def tell(page: Page) -> None:
        page.line(f"Recorded as {draft.id}: {draft.body['found']}")
        page.line(f"{name} goes on refusing until its owner lets this ledger begin anew there.")

    show(value, tell, as_json=as_json)


def add(
    vkey: Annotated[
        str, typer.Argument(metavar="VKEY", help="The line in the other site's keys/ledger.vkey.")
    ],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Witness another site's ledger from now on."""
    with entered(site, key_file) as (opened, caller):
        key = opened.witnessed.add(caller, vkey)
        host = opened.witnessed.host()
    mine = "" if host is None else host.key.vkey
    value: dict[str, Json] = {"origin": key.name, "vkey": mine}

    def tell(page: Page) -> None:
        page.line(f"This site witnesses {key.name}.")
        page.line("Its people put into their site.toml:")
        page.line()
        page.line("[[witness.at]]")
        page.line('name = "another-site"')
        page.line('address = "https://THIS-HOST/v1/witness"')
        page.line(f'vkey = "{mine}"')

    show(value, tell, as_json=as_json)


def list_logs(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """List the ledgers that this site witnesses, and what it saw of them."""
    from bedside.ledger.witness_host import witnessed

    with open_site(site) as opened:
        logs, host = witnessed(opened.database), opened.witnessed.host()
    mine = None if host is None else host.key.vkey

    def tell(page: Page) -> None:
        rows = [
            (log.origin, str(log.size), log.seen_at or "never", str(log.refusals)) for log in logs
        ]
        page.table(("ledger", "entries", "seen", "refused"), rows)
        page.line(f"This witness: {mine}" if mine else "This site witnesses nobody.")

    show({"vkey": mine, "logs": [asdict(log) for log in logs]}, tell, as_json=as_json)


def refused_of(
    origin: OriginArgument, site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False
) -> None:
    """Show the checkpoints of a ledger that were refused: what its own key signed, as evidence."""
    from bedside.ledger.witness_host import refusals

    with open_site(site) as opened:
        found = refusals(opened.database, origin)
    value = [asdict(one) | {"root": one.root.hex()} for one in found]

    def tell(page: Page) -> None:
        for one in found:
            page.line(f"{one.at}  {one.size} entries, root {one.root.hex()}", style="bold")
            page.line(one.why)
            page.line(one.request)
        page.line(f"{len(found)} refused.")

    show(value, tell, as_json=as_json)


def remove(
    origin: OriginArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Witness a ledger no longer; added again, it begins anew. What was refused of it stays."""
    with entered(site, key_file) as (opened, caller):
        size = opened.witnessed.remove(caller, origin)
    told = f"This site witnesses {origin} no longer; it had {size} entries when last seen."
    show({"origin": origin, "size": size}, lambda page: page.line(told), as_json=as_json)


def _summed_up(states: Sequence[WitnessState]) -> LedgerBroken | None:
    odd = [state for state in states if state.standing not in ("agrees", "waiting")]
    if not odd:
        return None
    return LedgerBroken(
        f"{len(odd)} of {len(states)} witnesses did not see it: "
        + " ".join(f"{state.name}: {state.words}" for state in odd),
        advice="Away: it is tried again. Refused: bedside ledger verify --witness NAME",
    )


def _states(states: Sequence[WitnessState]) -> dict[str, Json]:
    return {"witnesses": [asdict(state) for state in states]}


def _tell_states(page: Page, states: Sequence[WitnessState]) -> None:
    if not states:
        page.line("No witness is named in site.toml: docs/how-to/prove-it-elsewhere.md")
    for state in states:
        saw = f"saw {state.size} entries, {state.behind} behind"
        page.check(state.standing == "agrees", f"{state.name}: {state.standing}; {saw}")
        if state.words:
            page.line(f"  {state.words}")
