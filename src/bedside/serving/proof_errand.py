"""One replay of golden cases by a child of the kind that computes analyses."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterator
from typing import Final

from bedside.canonical import Json
from bedside.errors import Unavailable
from bedside.imaging.foreseeing import voxels_promised
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.errand import Errand
from bedside.jobs.frames import Frame, Garbled, read_words, spell, spell_file, spell_json
from bedside.jobs.workshop import Workshop
from bedside.package.manifest import Manifest
from bedside.package.package import Package, archive_of
from bedside.package.volumes import VolumeInput
from bedside.runtime.engines.engine import Engines
from bedside.runtime.patience import GoingOn
from bedside.runtime.session import check_conditions
from bedside.runtime.volume_gate import VOLUME
from bedside.runtime.volume_memory import bytes_for
from bedside.serving.analysis_errand import CHILD, PACKAGE, engines_told
from bedside.serving.proof_board import Found, told_found

ROOM_SECONDS: Final = 0.2
"""How often it is looked whether there is room."""


def replayed(package: Package, workshop: Workshop, engines: Engines, going_on: GoingOn) -> Found:
    """Return what a child finds when it replays the golden cases, or why they cannot be replayed.

    Args:
        package: A volume package, whole and trusted.
        workshop: What does the work.
        engines: What this machine has beside ONNX Runtime.
        going_on: Asked again and again; may raise.

    Raises:
        ConditionsNotMet: it is not for this machine.
        Unavailable: it takes more memory than there is for work here, or its process ended.
    """
    check_conditions(package.manifest.conditions)
    memory = memory_of(package)
    if memory > workshop.bounds.memory:
        raise Unavailable(
            f"Its golden cases may take {memory} bytes of memory; jobs may take "
            f"{workshop.bounds.memory} here.",
            advice="Use a machine with more memory, or allow more: memory_bytes in [jobs].",
        )
    while not workshop.reserve(memory):
        going_on()
        time.sleep(ROOM_SECONDS)
    until = time.monotonic() + workshop.bounds.seconds

    def in_time() -> None:
        going_on()
        if time.monotonic() > until:
            raise Unavailable(
                f"Its golden cases were not replayed within {workshop.bounds.seconds:g} s.",
                advice="Look how busy this machine is; [jobs] says priority and most_minutes.",
            )

    try:
        errand = Errand(CHILD, package.digest, _frames(package, engines, memory))
        with workshop.child(errand) as child:
            return _found(child, errand, in_time)
    except (ChildEnded, Garbled) as problem:
        raise Unavailable(
            f"Its golden cases were not replayed to their end. {problem.message}",
            advice="It may have been too large for this machine: look at its memory, and at [jobs].",
        ) from problem
    finally:
        workshop.release(memory)


def memory_of(package: Package) -> int:
    """Return the bytes that the replay may take, by the headers of the golden volumes."""
    manifest = package.manifest
    voxels = max(_voxels(manifest, case.input.get(VOLUME)) for case in package.golden)
    return bytes_for(manifest, voxels) + 2 * sum(map(len, package.entries.values()))


def _voxels(manifest: Manifest, text: Json) -> int:
    declared = manifest.input
    assert isinstance(declared, VolumeInput)  # noqa: S101 - whoever asks has looked
    try:
        promised = voxels_promised(base64.b64decode(str(text)[:_START]))
    except (binascii.Error, ValueError):
        promised = None
    return declared.most_voxels if promised is None else min(promised, declared.most_voxels)


_START: Final = 4 * 16 * 1024
"""Characters of base64 that hold a header."""


def _frames(package: Package, engines: Engines, memory: int) -> Iterator[bytes]:
    yield spell_json(Frame.WORDS, {"proof": True, "memory": memory, **engines_told(engines)})
    yield from spell_file({"name": PACKAGE}, archive_of(package))
    yield spell(Frame.LAST)


def _found(child: Child, errand: Errand, going_on: GoingOn) -> Found:
    child.say(errand.frames, going_on)
    for frame in child.hear():
        going_on()
        if frame is not None and frame[0] is Frame.WORDS:
            said = read_words(frame[1])
            return told_found(said.get("proved", said))
    raise Garbled("A child said nothing.")
