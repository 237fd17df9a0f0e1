"""What the package says of itself to people, in English and Japanese."""

from __future__ import annotations

from typing import Final

from bedside.package.fields import Text

TITLE: Final[Text] = {
    "en": "Candidates for white-matter lesions in FLAIR (research only)",
    "ja": "FLAIR画像の白質病変候補(研究専用)",
}

BACKGROUND: Final[Text] = {"en": "background", "ja": "背景"}
LESION: Final[Text] = {"en": "candidate for a white-matter lesion", "ja": "白質病変の候補"}

THRESHOLD_MEANING: Final[Text] = {
    "en": "The best balance of lesions found and false candidates on drawn heads that were held out; no "
    "patient's image had a part in the choice.",
    "ja": "学習に用いていない合成頭部で、検出と偽候補の釣り合いが最も良い値。患者画像は選択に用いていない。",
}

INTENDED_USE: Final[Text] = {
    "en": "RESEARCH ONLY. Marks places in the white matter of an adult's brain on a FLAIR image (a whole head, "
    "or one whose skull was taken away) that look like lesions, for a reader who judges each of them. "
    "Learned from lesions that were drawn into label maps, from no patient's image.",
    "ja": "研究専用。成人のFLAIR画像(頭部全体、または頭蓋除去後)の白質で病変らしく見える部位を示し、"
    "読影者が一つずつ判断するためのもの。ラベルマップに合成した病変のみで学習し、患者画像は用いていない。",
}

NOT_FOR: Final[Text] = {
    "en": "Not for any patient's care, not for excluding disease, not for counting lesions over time. Not for CT, "
    "T1, T2, or after contrast. It was held against the marks of experts in a few patients only: read "
    "the figures for what they are; they are not blind, since drawn lesions were set after looking at two of "
    "them. Small and faint lesions, those of the cortex, the stem and the cerebellum "
    "are missed more often; bright rims of ventricles, vessels and movement are taken for lesions.",
    "ja": "診療、疾患の除外、病変数の経時比較に用いない。CT、T1、T2、造影後の画像には用いない。"
    "専門家の判定との比較は少数の患者のみであり、うち2名の画像を見て描画の条件を決めたため盲検ではない。小さい病変、淡い病変、皮質・脳幹・小脳の病変は見落としやすく、"
    "脳室周囲の高信号、血管、体動を病変と誤ることがある。",
}

LICENCE: Final = "Apache-2.0"
