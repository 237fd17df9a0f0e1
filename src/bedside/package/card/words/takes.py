"""What a model takes: fields of a table, or a picture."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.package.card.words.both import Both

TAKES: Final[Mapping[str, Both]] = MappingProxyType(
    {
        "takes-fields": Both(
            "One row of named fields, {count} in all. A value outside of what is allowed here is refused "
            "with its reason, and nothing is answered.",
            "{count}項目からなる1行。ここで許される範囲にない値は理由とともに拒否され、"
            "判定は行われない。",
        ),
        "fields": Both("Fields", "入力項目"),
        "field": Both("Field", "項目"),
        "field-kind": Both("Kind", "種類"),
        "field-unit": Both("Unit", "単位"),
        "field-allowed": Both("Allowed", "許される値"),
        "field-missing": Both("If missing", "欠測時"),
        "field-meaning": Both("Meaning", "意味"),
        "kind-number": Both("number", "数値"),
        "kind-whole": Both("whole number", "整数"),
        "kind-category": Both("category", "分類"),
        "no-unit": Both("none", "なし"),
        "also-in": Both(
            "{unit} (also taken in {others}, and converted)", "{unit}（{others}も換算して受付）"
        ),
        "range": Both("{low} to {high}", "{low}〜{high}"),
        "missing-refuse": Both("refused", "拒否"),
        "missing-allow": Both("allowed", "可"),
        "others-allowed": Both("other codes are let through", "その他のコードも受付"),
        "between": Both(", ", "、"),
        "and-more": Both("and {count} more", "ほか{count}件"),
        "takes-picture": Both(
            "One picture. A picture outside of what is allowed here is refused with its reason, or "
            "answered with a reservation where this is said.",
            "1枚の画像。ここで許される範囲にない画像は理由とともに拒否されるか、"
            "明記された場合は留保付きで判定される。",
        ),
        "media": Both("Files", "ファイル形式"),
        "modalities": Both("Modalities (DICOM)", "モダリティ（DICOM）"),
        "body-parts": Both("Body parts", "検査部位"),
        "views": Both("Views", "撮影方向"),
        "any": Both("any", "制限なし"),
        "unstated": Both("If none of these is stated", "これらの記載がない場合"),
        "unstated-refuse": Both("refused", "拒否"),
        "unstated-flag": Both("answered, with a reservation", "留保付きで判定"),
        "unstated-allow": Both("answered", "判定"),
        "pixels": Both("Pixels", "画素"),
        "pixels-grey": Both("grey", "グレースケール"),
        "pixels-colour": Both("colour", "カラー"),
        "size": Both("Size", "大きさ"),
        "size-range": Both(
            "{rows} rows, {columns} columns; the longer side at most {ratio} times the shorter",
            "{rows}行、{columns}列。長辺は短辺の{ratio}倍以下",
        ),
        "grey-values": Both("Grey values", "画素値"),
        "grey-values-range": Both(
            "at least {levels} different ones, and none of them in more than {share} of the picture",
            "{levels}種類以上で、同じ値の画素は全体の{share}以下",
        ),
        "likeness": Both("Likeness", "類似度"),
        "likeness-refuse": Both(
            "correlation of at least {minimum} with the mean of {pictures} training pictures; "
            "otherwise refused",
            "学習画像{pictures}枚の平均との相関が{minimum}以上。満たさない場合は拒否",
        ),
        "likeness-flag": Both(
            "correlation of at least {minimum} with the mean of {pictures} training pictures; "
            "otherwise answered with a reservation",
            "学習画像{pictures}枚の平均との相関が{minimum}以上。満たさない場合は留保付きで判定",
        ),
        "polarity": Both("Polarity", "白黒の向き"),
        "polarity-by-likeness": Both(
            "a picture that fits only when turned to its negative is turned, and the answer says so",
            "白黒を反転したときにのみ合致する画像は反転し、その旨を結果に示す",
        ),
        "groups": Both(
            "Groups that were examined separately: {groups}.", "個別に評価した群：{groups}。"
        ),
        "no-groups": Both(
            "No group of people was examined separately: whether it is as good for women and men, "
            "young and old, or in another hospital is not known from this manifest.",
            "個別に評価した群はない。性別・年齢・施設などによる性能の違いは、"
            "このマニフェストからは分からない。",
        ),
    }
)
"""Under “Factors”."""
