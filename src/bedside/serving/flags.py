"""The words of each flag for people, in English and Japanese; a test finds a missing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bedside.canonical import Json
from bedside.package.fields import Text
from bedside.runtime.flags import Flag

FLAGS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "modality-unstated": {
            "en": "Nobody says what kind of picture this is (its modality): whether the model is "
            "made for it was not checked.",
            "ja": "画像の種類(モダリティ)が示されていません。このモデルの対象かどうかは確認されていません。",
        },
        "body-part-unstated": {
            "en": "Nobody says which part of the body this is: whether the model is made for it "
            "was not checked.",
            "ja": "撮影部位が示されていません。このモデルの対象かどうかは確認されていません。",
        },
        "view-unstated": {
            "en": "Nobody says from which side the picture was taken (its view): whether the model "
            "is made for it was not checked.",
            "ja": "撮影方向が示されていません。このモデルの対象かどうかは確認されていません。",
        },
        "unlike-the-domain": {
            "en": "What was sent does not look like what the model was made with: the answer may mean "
            "nothing.",
            "ja": "このモデルの学習に使われた画像と見た目が異なります。回答に意味がない可能性があります。",
        },
        "polarity-overruled": {
            "en": "Bright and dark were exchanged before the model saw the picture: the file says "
            "the opposite of how it looks. Look at it yourself.",
            "ja": "明暗を反転してからモデルに渡しました。ファイルの記載が画像の見た目と逆です。画像をご確認ください。",
        },
        "window-not-applied": {
            "en": "The file states no window for its brightness, though the model asks for one: the "
            "whole range of values was used, and the picture may look much darker or paler to it.",
            "ja": "ファイルにウィンドウ(明るさの表示範囲)の記載がないため、値の全範囲を使用しました。"
            "モデルには画像が実際より暗く、または薄く見えている可能性があります。",
        },
        "reading-note": {
            "en": "Something had to be decided while the volume was read; the detail says what.",
            "ja": "ボリュームの読み込みに際して判断を要した点があります。詳細をご確認ください。",
        },
        "orientation-unstated": {
            "en": "The file says where its axes point, but in a frame of an unknown kind: check "
            "yourself that left and right are as the answer has them.",
            "ja": "ファイルの軸の向きは、種類が不明な座標系で記載されています。回答の左右が正しいかご確認ください。",
        },
        "mask-empty": {
            "en": "The model found nothing in this volume: that is no proof that nothing is there.",
            "ja": "このボリュームからは何も検出されませんでした。存在しないことの証明ではありません。",
        },
        "mask-touches-edge": {
            "en": "What was found reaches the edge of the volume: a part of it may lie outside, and its "
            "measurements may be too small.",
            "ja": "検出された領域が撮像範囲の端に達しています。一部が範囲外にあり、"
            "計測値が小さく出ている可能性があります。",
        },
        "implausible-volume": {
            "en": "What was found is smaller or larger than in any person that the model was made "
            "for: look at the picture before using the numbers.",
            "ja": "検出された体積が、このモデルの対象者としてあり得る範囲を外れています。"
            "数値を使う前に画像をご確認ください。",
        },
        "implausible-value": {
            "en": "The number lies outside what any person that the model was made for can have: do "
            "not use it.",
            "ja": "数値が、このモデルの対象者としてあり得る範囲を外れています。使用しないでください。",
        },
        "low-predicted-overlap": {
            "en": "The mask probably fits worse than this model's usually do (the detail says how well "
            "it is expected to): look at the picture before using it.",
            "ja": "このモデルの通常の結果に比べ、マスクの一致度が低いと予測されます(予測値は詳細に記載)。"
            "使用前に画像をご確認ください。",
        },
    }
)
"""By the flag's code."""


def flag_words(code: str) -> Text:
    """Return the words for a flag; a code that has none yet is shown as it is."""
    return FLAGS.get(code, {"en": code, "ja": code})


def flags_told(flags: Sequence[Flag]) -> list[Json]:
    """Return flags as JSON: code, words by language, and what was found."""
    return [
        {"code": one.code, "words": flag_words(one.code), "detail": one.detail} for one in flags
    ]
