"""Every command in one table; `docs/cli.md` shows the same, and a test compares the two.

Rooms are imported inside the commands that use them, so that `bedside --help` is quick.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, TypeAlias

import typer

from bedside import __version__
from bedside.cli.errors import refusable
from bedside.cli.site import Serve

Command: TypeAlias = Callable[..., None]
Place: TypeAlias = str
"""Where a command is: a module of this room and a name in it, such as `site.serve`."""

ALONE: Mapping[str, Place] = MappingProxyType(
    {
        "demo": "demo.demo",
        "init": "site.init",
        "serve": "site.serve",
        "doctor": "doctor.doctor",
        "restore": "backup.restore",
        "freeze": "freezing.freeze",
        "inspect": "packages.inspect",
        "verify": "verifying.verify",
        "card": "cards.card",
        "bom": "cards.bom",
        "predict": "predicting.predict",
        "analyse": "analysing.analyse",
        "decide": "serving.decide",
        "trace": "serving.trace",
        "erase": "erasing.erase",
        "hold": "erasing.hold",
    }
)
"""The commands of one word."""

ITSELF = ""
"""Names the command that a group is when no other is named."""

Group: TypeAlias = tuple[str, Mapping[str, "Place | Group"]]
"""What a group is for, and its commands; a command may be a group again."""

GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        "people": (
            "Who may come in, as what, and with which API keys.",
            {
                "add": "people.add",
                "list": "people.list_people",
                "role": "people.set_roles",
                "deactivate": "people.deactivate",
                "reactivate": "people.reactivate",
                "key": "people.key",
                "rotate-key": "people.rotate_key",
                "revoke-key": "people.revoke_key",
            },
        ),
        "keys": (
            "Authors' signing keys, and which of them a site trusts.",
            {
                "new": "keys.new",
                "trust": "keys.trust",
                "revoke": "keys.revoke",
                "list": "keys.list_keys",
                "site": (
                    "The key that wraps all others of a site: where it is, and how it moves.",
                    {
                        "show": "site_key.show_site",
                        "move": "site_key.move_site",
                    },
                ),
            },
        ),
        "erasures": (
            "Erasures that wait, that were made, and what is left of them to do.",
            {
                "list": "erasing.list_erasures",
                "withdraw": "erasing.withdraw",
                "finish": "erasing.finish",
            },
        ),
        "holds": (
            "Legal holds, which forbid an erasure.",
            {
                "list": "erasing.list_holds",
                "lift": "erasing.lift",
            },
        ),
        "registry": (
            "The versions that a site knows, their approvals and releases.",
            {
                "add": "registry.add",
                "verify": "registry.verify",
                "list": "registry.list_versions",
                "approve": "registry.approve",
                "release": "registry.release",
                "rollback": "registry.rollback",
                "retire": "registry.retire",
                "at": "registry.at",
            },
        ),
        "ledger": (
            "The record of all that happened, and the proofs that it is whole.",
            {
                "verify": "ledger.verify",
                "export": "ledger.export",
                "list": "ledger.list_entries",
                "checkpoint": "ledger.checkpoint",
                "rekey": "ledger.rekey",
                "witness": (
                    "Who sees this ledger grow, and whose ledgers this site sees grow.",
                    {
                        "status": "witness.status",
                        "send": "witness.send",
                        "show": "witness.show_seen",
                        "accept": "witness.accept",
                        "add": "witness.add",
                        "list": "witness.list_logs",
                        "refused": "witness.refused_of",
                        "remove": "witness.remove",
                    },
                ),
            },
        ),
        "antspynet": (
            "ANTsPyNet's functions: fetch their files, check them, freeze one.",
            {
                "prefetch": "antspynet.prefetch",
                "verify": "antspynet.verify",
                "freeze": "antspynet.freeze",
            },
        ),
        "jobs": (
            "Analyses that wait, that are under way, and that are over.",
            {
                "list": "jobs.list_jobs",
                "show": "jobs.show_job",
                "cancel": "jobs.cancel",
            },
        ),
        "backup": (
            "Back up a site while it serves, list its generations, try them out.",
            {
                ITSELF: "backup.backup",
                "drill": "backup.drill",
                "list": "backup.list_generations",
            },
        ),
        "lab": (
            "Train networks, evaluate packages on data, list data sets.",
            {
                "train": "lab.train",
                "tasks": "lab.tasks",
                "dataset": "lab_datasets.dataset",
                "evaluate": "lab.evaluate",
            },
        ),
    }
)
"""The commands of several words, by their room."""


def create_app(first: str | None = None) -> typer.Typer:
    """Return the command line, as Typer builds it.

    Args:
        first: The first word. Where it is a command, that one alone is there: to build all of them
            takes longer than most commands do. For any other word, all are there.
    """
    known = first in ALONE or first in GROUPS
    app = _group("Takes a medical AI model from the laboratory to the bedside, and keeps it safe.")
    app.callback()(_root)
    for name, place in ALONE.items():
        if name == first or not known:
            app.command(name)(refusable(command_at(place)))
    for room, group in GROUPS.items():
        if room == first or not known:
            app.add_typer(_filled(group), name=room)
    return app


def command_at(place: Place) -> Command:
    """Return the command in a place of this room."""
    module, name = place.split(".")
    found: Command = getattr(import_module(f"bedside.cli.{module}"), name)
    return found


def _filled(group: Group) -> typer.Typer:
    about, commands = group
    made = _group(about)
    for name, place in commands.items():
        if isinstance(place, tuple):
            made.add_typer(_filled(place), name=name)
            continue
        command = refusable(command_at(place))
        if name == ITSELF:
            made.info.no_args_is_help = False
            made.callback(invoke_without_command=True, no_args_is_help=False)(command)
        else:
            made.command(name)(command)
    return made


def run(arguments: Sequence[str] | None, serve: Serve) -> None:
    """Run the command line and leave with its exit code.

    Args:
        arguments: The words after `bedside`; None takes those of this process.
        serve: Starts the service. Doors do not know each other; `bedside.__main__` knows both.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show ✓
    words = sys.argv[1:] if arguments is None else list(arguments)
    app = create_app(words[0] if words else None)
    app(args=words, prog_name="bedside", obj=serve)


def _group(about: str) -> typer.Typer:
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # an unforeseen failure shows Python's own traceback
    )


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"bedside {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Takes a medical AI model from the laboratory to the bedside, and keeps it safe there."""
