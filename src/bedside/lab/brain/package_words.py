"""What the package says of itself to people, in English and Japanese."""

from __future__ import annotations

from typing import Final

from bedside.package.fields import Text

TITLE: Final[Text] = {
    "en": "Brain in a head by MR, of any contrast",
    "ja": "頭部MRの脳領域(コントラストを問わない)",
}

BACKGROUND: Final[Text] = {"en": "background", "ja": "背景"}
BRAIN: Final[Text] = {"en": "brain with the fluid around it", "ja": "脳(周囲の髄液を含む)"}

_EVEN: Final = 0.5

_AS_TRAINED: Final[Text] = {
    "en": "More likely inside than outside, as the network was trained.",
    "ja": "学習時と同じく、内側である可能性の方が高い。",
}
_CHOSEN: Final[Text] = {
    "en": "Chosen after seeing where the masks of several real heads, by people and by other programs, have "
    "their border; so on those heads the figures are not blind.",
    "ja": "複数の実際の頭部について、人や他のプログラムによるマスクの境界を見たうえで選んだ値。"
    "そのため、それらの頭部での成績は盲検ではない。",
}

NOT_FOR: Final[Text] = {
    "en": "Not a diagnosis, and not for the care of any patient: research and engineering. Not for CT, for "
    "heads of small children, or for animals. What lowers it: a field of view that ends within the brain, "
    "slices thicker than about 7 mm, strong motion or ghosts, a large tumour or resection, a skull that "
    "was taken away before. Look at the picture before you use the mask.",
    "ja": "診断ではなく、患者の診療に用いない(研究・開発用)。CT、乳幼児の頭部、動物には使用しない。"
    "精度を下げるもの:脳の途中で切れた撮像範囲、約7 mmより厚いスライス、強い体動やゴースト、"
    "大きな腫瘍や切除腔、あらかじめ頭蓋を除いた画像。マスクを使う前に必ず画像で確認すること。",
}

TRAINED_BY: Final = "The Bedside engineers"
LICENCE: Final = "Apache-2.0"


def threshold_meaning(threshold: float) -> Text:
    """Return why the line is drawn where it is."""
    return _AS_TRAINED if threshold == _EVEN else _CHOSEN


INTENDED_USE: Final[Text] = {
    "en": "To mark the brain in a whole head of an adult or an older child by MR (T1, T2, PD, FLAIR or "
    "another contrast), as a first step of measuring, registering or defacing, in research and "
    "engineering. In the mask: all that lies within the dura, down to the lowest plane of the "
    "cerebellum: grey and white matter, ventricles, cerebellum, brain stem, and the fluid in and around "
    "them. Not in it: dura, venous sinuses, eyes, optic nerves, skull, and what lies lower: the cord and "
    "its fluid. Compare definitions before you compare figures: a volume in mL is that of this mask.",
    "ja": "成人および年長児の頭部全体のMR(T1、T2、PD、FLAIRなど)で脳の範囲を示す。"
    "研究・開発における計測、位置合わせ、顔の除去などの第一段階として用いる。"
    "マスクに含むもの:小脳の最下面までの硬膜の内側すべて。すなわち灰白質、白質、脳室、小脳、脳幹、"
    "およびそれらの内外の髄液。"
    "含まないもの:硬膜、静脈洞、眼、視神経、頭蓋、それより下の脊髄と髄液。"
    "数値を比べる前に定義を比べること。体積(mL)はこのマスクの体積である。",
}
