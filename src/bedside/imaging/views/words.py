"""The words that stand in a picture, and those that stand for it where it cannot be seen."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bedside.imaging.views.planes import PlaneName
from bedside.imaging.views.view import Convention, Findings, Language, Style


@dataclass(frozen=True, slots=True)
class Words:
    """One language.

    Attributes:
        conventions: What each convention means, drawn into the picture.
        planes: Names of the planes, drawn.
        unrecorded: Warning that an answer stands in no ledger, drawn.
        probability: Title of the heat map's legend, drawn.
        caption: The picture in one sentence, with `{shown}` for what is drawn over it.
        nothing: In place of `{shown}` where nothing is drawn.
        outlines: With `{names}`.
        heat: For the heat map.
        between: Between names.
    """

    conventions: MappingProxyType[Convention, str]
    planes: MappingProxyType[PlaneName, str]
    unrecorded: str
    probability: str
    caption: str
    nothing: str
    outlines: str
    heat: str
    between: str


_ENGLISH: Final = Words(
    conventions=MappingProxyType(
        {
            "radiological": "RADIOLOGICAL: PATIENT'S RIGHT AT THE LEFT",
            "neurological": "NEUROLOGICAL: PATIENT'S LEFT AT THE LEFT",
        }
    ),
    planes=MappingProxyType({"axial": "AXIAL", "coronal": "CORONAL", "sagittal": "SAGITTAL"}),
    unrecorded="UNRECORDED, NOT FOR CLINICAL USE",
    probability="PROBABILITY",
    caption="Axial, coronal and sagittal planes above a mosaic of axial planes, {shown}. {side}.",
    nothing="with nothing drawn over them",
    outlines="with the outline of: {names}",
    heat="with the probability as a heat map",
    between=", ",
)

_JAPANESE: Final = Words(
    conventions=MappingProxyType(
        {
            "radiological": "放射線科の向き： 左が患者の右",
            "neurological": "神経学の向き： 左が患者の左",
        }
    ),
    planes=MappingProxyType({"axial": "横断面", "coronal": "冠状断面", "sagittal": "矢状断面"}),
    unrecorded="記録なし、診療に使わないこと",
    probability="確率",
    caption="横断面、冠状断面、矢状断面と、その下に並べた横断面。{shown}。{side}。",
    nothing="重ね描きなし",
    outlines="輪郭: {names}",
    heat="確率を色で重ねて表示",
    between="、",
)

CATALOGUE: Final[MappingProxyType[Language, Words]] = MappingProxyType(
    {"en": _ENGLISH, "ja": _JAPANESE}
)


def caption(findings: Findings, style: Style) -> str:
    """Return what a picture shows in one or two sentences, for whoever cannot see it."""
    words = CATALOGUE[style.language]
    shown = words.nothing
    if style.probability and findings.probability is not None:
        shown = words.heat
    elif findings.shown_classes():
        names = words.between.join(one.name for one in findings.shown_classes())
        shown = words.outlines.format(names=names)
    side = words.conventions[style.convention].replace("： ", "：")
    told = words.caption.format(shown=shown, side=_sentence(side))
    return told if style.recorded else f"{told} {_sentence(words.unrecorded)}"


def _sentence(capitals: str) -> str:
    """Return what is drawn in capitals as it is written."""
    return capitals.capitalize()
