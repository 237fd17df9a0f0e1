"""The words of the breast-cancer demonstration, in English and Japanese."""

from __future__ import annotations

from bedside.package.fields import Text

TITLE: Text = {
    "en": "Breast mass: malignant or benign, from measurements of cell nuclei (demonstration)",
    "ja": "乳房腫瘤の良悪性の推定:細胞核の計測値による(デモンストレーション)",
}
INTENDED_USE: Text = {
    "en": "To show, with real data, how a model is frozen, approved, served and traced with "
    "Bedside. From thirty measurements of cell nuclei in a digitised image of a fine-needle "
    "aspirate of a breast mass it estimates the probability that the mass is malignant.",
    "ja": "実データを用いて、モデルの凍結・承認・配信・追跡をBedsideで行う手順を示すためのもの。"
    "乳房腫瘤の穿刺吸引細胞診のデジタル画像における細胞核の30個の計測値から、悪性である確率を推定する。",
}
NOT_FOR: Text = {
    "en": "Not for diagnosis, treatment, triage or any decision about a patient. The data are from "
    "one American hospital around 1990, and the measurements were drawn by hand with software that "
    "is no longer used. Nobody has validated the model elsewhere.",
    "ja": "診断・治療・トリアージなど、患者に関するいかなる判断にも使用しないこと。"
    "データは1990年頃の米国の一施設のもので、計測には現在使われていないソフトウェアによる手作業が含まれる。"
    "他施設での検証は行われていない。",
}
MALIGNANT: Text = {"en": "malignant", "ja": "悪性"}
BENIGN: Text = {"en": "benign", "ja": "良性"}

QUANTITIES: dict[str, tuple[str, str]] = {
    "radius": ("mean distance from the centre to the outline", "半径(中心から輪郭までの平均距離)"),
    "texture": ("standard deviation of grey values", "テクスチャ(濃度値の標準偏差)"),
    "perimeter": ("length of the outline", "周囲長"),
    "area": ("area", "面積"),
    "smoothness": ("local variation of the radius", "滑らかさ(半径の局所的な変動)"),
    "compactness": ("perimeter² / area − 1", "コンパクト性(周囲長² ÷ 面積 − 1)"),
    "concavity": ("severity of concave portions of the outline", "凹み(輪郭の凹部の深さ)"),
    "concave points": ("number of concave portions of the outline", "凹点(輪郭の凹部の数)"),
    "symmetry": ("symmetry of the nucleus", "対称性"),
    "fractal dimension": ("“coastline approximation” − 1", "フラクタル次元(海岸線近似 − 1)"),
}
"""What each of the ten quantities is, after the description that comes with the data set."""

STATISTICS: dict[str, tuple[str, str]] = {
    "mean": ("mean over the nuclei of the image", "画像内の核の平均値"),
    "error": ("standard error over the nuclei of the image", "画像内の核の標準誤差"),
    "worst": ("mean of the three largest nuclei", "最も大きい3個の核の平均値"),
}

NO_UNIT = (
    "The data set states no physical unit.",
    "データセットには物理単位の記載がない。",
)


def threshold_meaning(target: float) -> Text:
    """Return why the line is drawn where it is."""
    return {
        "en": f"The highest threshold that found at least {target:.0%} of the malignant masses of "
        "the validation split.",
        "ja": f"検証用データの悪性腫瘤の{target:.0%}以上を検出する、最も高い閾値。",
    }


def describe(name: str) -> Text:
    """Return what the field `name`, such as `worst concave points`, means."""
    for statistic, (english, japanese) in STATISTICS.items():
        quantity = name.removeprefix(f"{statistic} ").removesuffix(f" {statistic}")
        if quantity != name:
            meaning, imi = QUANTITIES[quantity]
            return {
                "en": f"{quantity.capitalize()}: {meaning}; {english}. {NO_UNIT[0]}",
                "ja": f"{imi}:{japanese}。{NO_UNIT[1]}",
            }
    raise KeyError(name)
