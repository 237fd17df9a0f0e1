"""What a series' description says of imaging; anything else could be a name, and is left out."""

from __future__ import annotations

import re
from typing import Final

_LISTED: Final = """
t1 t1w t2 t2w pd pdw flair dwi adc swi dti bold asl mprage spgr bravo tfe ffe tse fse se ge gre ir
stir epi haste vibe space cube vista fiesta ciss tof mra mrv mr ct pet cta perfusion diffusion
fmri trace fa map ax axial tra transverse sag sagittal cor coronal obl oblique loc localizer scout
survey topogram scano scanogram plan pre post gd ce contrast plain non with without fs fatsat
arterial venous portal delayed phase mip mpr recon thin thick bone soft tissue lung standard sharp
smooth kernel volume head brain neck chest thorax abdomen pelvis spine body whole 2d 3d iso mm
dixon water fat in out opp echo mag magnitude real imaginary cervical lumbar thoracic orbit ear
"""
_WORDS: Final = frozenset(_LISTED.split())
_WORD: Final = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_NUMBER: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?(?:mm)?")
_MOST: Final = 60
_MOST_READ: Final = 256


def imaging_words(*texts: bytes) -> str:
    """Return the words of imaging in the first text that has one, in their order.

    Args:
        texts: Series Description, Protocol Name; in any character set.

    Returns:
        Up to 60 characters, lower case; empty where no text has such a word. Numbers of up to
        three digits stay where a word stands beside them.
    """
    for text in texts:
        found = _WORD.findall(
            text[:_MOST_READ].decode("ascii", "replace").lower().replace("_", " ")
        )
        kept = [word for word in found if word in _WORDS or _NUMBER.fullmatch(word)]
        if any(word in _WORDS for word in kept):
            return " ".join(kept)[:_MOST].strip()
    return ""
