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

THRESHOLD_MEANING: Final[Text] = {
    "en": "More likely inside than outside, as the network was trained.",
    "ja": "学習時と同じく、内側である可能性の方が高い。",
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


def intended_use(bridged: float, rim: float) -> Text:
    """Return for what it is meant, and what its mask holds.

    Args:
        bridged: Widest gap between tissues that the mask bridges, mm.
        rim: Of fluid around the brain that belongs to the mask, mm.
    """
    return {
        "en": "To mark the brain in a whole head of an adult or an older child by MR (T1, T2, PD, FLAIR or "
        "another contrast), as a first step of measuring, registering or defacing, in research and "
        "engineering. In the mask: grey and white matter, ventricles, cerebellum, brain stem down to "
        f"the lowest plane of the cerebellum, fluid in gaps up to {bridged:g} mm wide, and {rim:g} mm of "
        "the fluid around, where there is so much before the skull. Not in it: eyes, optic nerves, "
        "venous sinuses, dura, skull, the cord below, fluid that is farther away. Compare definitions "
        "before you compare figures: a volume in mL is that of this mask.",
        "ja": "成人および年長児の頭部全体のMR(T1、T2、PD、FLAIRなど)で脳の範囲を示す。"
        "研究・開発における計測、位置合わせ、顔の除去などの第一段階として用いる。"
        "マスクに含むもの:灰白質、白質、脳室、小脳、小脳の最下面までの脳幹、"
        f"幅{bridged:g} mm以下のすき間の髄液、脳の周囲{rim:g} mmの髄液(頭蓋までの間にある分)。"
        "含まないもの:眼、視神経、静脈洞、硬膜、頭蓋、それより下の脊髄、より遠くの髄液。"
        "数値を比べる前に定義を比べること。体積(mL)はこのマスクの体積である。",
    }
