"""How a model decides: preprocessing, network, calibration, threshold, explanation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.package.card.words.both import Both

DECIDES: Final[Mapping[str, Both]] = MappingProxyType(
    {
        "steps": Both("What is done, in this order:", "次の順に処理する。"),
        "op-select_numbers": Both(
            "Take the numbers {fields}.",
            "数値項目{fields}を取り出す。",
        ),
        "op-one_hot": Both(
            "Turn each code of {fields} into a column of its own, 1 where it matches and 0 elsewhere.",
            "{fields}の各コードを独立した列とし、該当すれば1、それ以外は0とする。",
        ),
        "op-ordinal": Both(
            "Turn the codes of {fields} into their position in a fixed list.",
            "{fields}のコードを、決められた一覧での順番に置き換える。",
        ),
        "op-impute": Both(
            "Fill gaps with fixed values (columns: {count}).",
            "{count}列の欠測を決められた値で補う。",
        ),
        "op-impute-indicators": Both(
            "Fill gaps with fixed values (columns: {count}), and keep in columns of their own what was "
            "missing ({indicators}).",
            "{count}列の欠測を決められた値で補い、欠測の有無を別の{indicators}列に残す。",
        ),
        "op-standardise": Both(
            "Standardise (columns: {count}): subtract a fixed centre, divide by a fixed scale.",
            "{count}列を標準化する（決められた中心を引き、決められた尺度で割る）。",
        ),
        "op-rescale": Both(
            "Rescale with fixed factors (columns: {count}).",
            "{count}列を決められた係数で換算する。",
        ),
        "op-rescale-clip": Both(
            "Rescale with fixed factors and clip to {low} to {high} (columns: {count}).",
            "{count}列を決められた係数で換算し、{low}〜{high}に収める。",
        ),
        "op-take_columns": Both("Keep certain columns: {count}.", "{count}列を選ぶ。"),
        "op-concatenate": Both(
            "Put groups of columns side by side: {count}.",
            "{count}組の列を横に並べる。",
        ),
        "op-full_range": Both(
            "Scale the grey values so that the lowest possible is 0 and the highest possible is 1.",
            "画素値を、取り得る最小値が0、最大値が1となるように換算する。",
        ),
        "op-header_window": Both(
            "Window the grey values as the DICOM header says, to values from 0 to 1; without a "
            "window there, use the full range.",
            "DICOMヘッダのウィンドウ設定により、画素値を0〜1に換算する。設定がなければ取り得る全範囲を用いる。",
        ),
        "op-fixed_window": Both(
            "Window the grey values at centre {centre}, width {width}, to values from 0 to 1.",
            "中心{centre}・幅{width}のウィンドウにより、画素値を0〜1に換算する。",
        ),
        "op-percentile_window": Both(
            "Scale the grey values from the {low}th to the {high}th percentile to values from 0 "
            "to 1; clip what lies beyond.",
            "画素値の{low}〜{high}パーセンタイルを0〜1に換算し、それを超える値は切り詰める。",
        ),
        "op-greyscale": Both("Turn colour into grey.", "カラーをグレースケールに変換する。"),
        "op-crop_square": Both(
            "Keep the square in the middle; what lies outside of it is not seen.",
            "中央の正方形を切り出す（その外側は見ない）。",
        ),
        "op-pad_square": Both(
            "Pad the picture to a square with the value {value}.",
            "値{value}で余白を加え正方形にする。",
        ),
        "op-resize": Both(
            "Resize to {rows} × {columns} pixels (rows × columns; {filter}).",
            "{rows}×{columns}画素（行×列、{filter}）に拡大縮小する。",
        ),
        "op-resize_shorter": Both(
            "Resize so that the shorter side has {side} pixels ({filter}).",
            "短辺が{side}画素となるように拡大縮小する（{filter}）。",
        ),
        "op-crop_centre": Both(
            "Keep {rows} × {columns} pixels (rows × columns) from the middle.",
            "中央の{rows}×{columns}画素（行×列）を切り出す。",
        ),
        "op-repeat_channel": Both(
            "Repeat the one channel three times.",
            "1つのチャンネルを3つに複製する。",
        ),
        "op-normalise": Both(
            "Normalise: subtract {mean}, divide by {deviation}.",
            "正規化する（{mean}を引き、{deviation}で割る）。",
        ),
        "network": Both(
            "The network ({format}, {element}, {takes}) computes {gives}.",
            "ネットワーク（{format}、{element}、{takes}）が{gives}を計算する。",
        ),
        "takes-columns": Both("{count} columns", "{count}列"),
        "takes-pixels": Both(
            "{channels} × {rows} × {columns}: channels, rows, columns",
            "{channels}×{rows}×{columns}（チャンネル・行・列）",
        ),
        "gives-binary": Both("the probability of “{positive}”", "「{positive}」の確率"),
        "gives-multiclass": Both("a probability for each class", "各分類の確率"),
        "gives-number": Both("{name} in {unit}", "{name}（単位：{unit}）"),
        "calibration-platt": Both(
            "Calibrate the probability with a fixed curve (Platt).",
            "確率を決められた曲線（Platt法）で較正する。",
        ),
        "calibration-isotonic": Both(
            "Calibrate the probability with a fixed rising line of {count} points (isotonic).",
            "確率を{count}点からなる単調な折れ線（等張回帰）で較正する。",
        ),
        "calibration-none": Both(
            "The probability is shown as the network gives it; nothing calibrates it afterwards.",
            "確率はネットワークの出力のまま示し、後から較正しない。",
        ),
        "shows-binary": Both(
            "Show “{positive}” when the probability is {threshold} or more, and “{negative}” below.",
            "確率が{threshold}以上なら「{positive}」、未満なら「{negative}」と示す。",
        ),
        "shows-multiclass": Both(
            "Show the most probable class; the first of equals.",
            "最も確率の高い分類を示す（同率の場合は先頭のもの）。",
        ),
        "shows-number": Both("Show the number.", "数値を示す。"),
        "number-plausible": Both(
            "Flag a number outside {low} to {high} {unit}.",
            "{low}以上{high}以下（{unit}）を外れる数値には注意を付ける。",
        ),
        "threshold": Both("Threshold", "しきい値"),
        "threshold-why": Both("Why the line is drawn there", "その値とした理由"),
        "answers": Both("Answers", "出力"),
        "answer-label": Both("Label", "ラベル"),
        "answer-shown": Both("Shown as", "表示"),
        "explanation": Both("Explanation of an answer", "判定の説明"),
        "explains-linear": Both(
            "What each field adds to the answer, against a reference row: exact.",
            "基準の行に対し、各項目が判定にどれだけ寄与したかを厳密に示す。",
        ),
        "explains-sampled-shapley": Both(
            "What each field adds to the answer, against a reference row: Shapley values over "
            "{permutations} sampled orders of the fields, with their standard errors.",
            "基準の行に対する各項目の寄与をShapley値で示す"
            "（項目の順序{permutations}通りによる標本推定、標準誤差付き）。",
        ),
        "explains-occlusion": Both(
            "A picture of where the answer falls when a patch of {patch} × {patch} pixels of the "
            "network's input is covered, moved by {stride}.",
            "入力画像の{patch}×{patch}画素を隠し、{stride}画素ずつ動かしたときに"
            "判定がどこで下がるかを画像で示す。",
        ),
        "absent": Both("missing", "欠測"),
        "explains-scale": Both("Measured on", "尺度"),
        "scale-logit": Both("the log-odds of the answer", "判定の対数オッズ"),
        "scale-probability": Both("the probability of the answer", "判定の確率"),
        "scale-value": Both("the number itself", "出力の数値"),
        "explains-cost": Both("Cost of one explanation", "説明1件の計算量"),
        "explains-passes": Both(
            "the network computes {passes} inputs", "ネットワークの計算{passes}回分"
        ),
        "explains-reference": Both("Reference row", "基準の行"),
        "explains-none": Both(
            "The package declares no explanation of single answers.",
            "個々の判定に対する説明は、このパッケージでは定められていない。",
        ),
    }
)
"""Under “How it decides”."""
