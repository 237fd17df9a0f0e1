"""Volumes: what a model takes of them, what is done to them, and what it gives for each voxel."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.package.card.words.both import Both

VOLUMES: Final[Mapping[str, Both]] = MappingProxyType(
    {
        "takes-volume": Both(
            "One volume: a NIfTI file, or the slices of a DICOM series. A volume outside of what is "
            "allowed here is refused with its reason, or answered with a reservation where this is "
            "said.",
            "1つのボリューム（NIfTIファイル、またはDICOMシリーズのスライス一式）。"
            "ここで許される範囲にないボリュームは理由とともに拒否されるか、"
            "明記された場合は留保付きで判定される。",
        ),
        "spacing": Both("Voxel spacing", "ボクセル間隔"),
        "spacing-range": Both(
            "{low} to {high} mm along each axis; the widest at most {ratio} times the narrowest",
            "各軸{low}〜{high} mm。最大の間隔は最小の{ratio}倍以下",
        ),
        "field-of-view": Both("Field of view", "撮像範囲"),
        "field-of-view-range": Both(
            "left to right {left_right} mm, back to front {back_front} mm, foot to head {foot_head} mm",
            "左右{left_right} mm、前後{back_front} mm、頭尾{foot_head} mm",
        ),
        "voxels": Both("Voxels", "ボクセル数"),
        "voxels-range": Both(
            "{low} to {high} along each axis, at most {most} in all",
            "各軸{low}〜{high}、合計{most}以下",
        ),
        "voxel-values": Both("Values", "ボクセル値"),
        "voxel-values-range": Both(
            "at least {levels} different ones, none of them in more than {share} of the voxels; "
            "neighbours correlate by at least {continuity}",
            "{levels}種類以上で、同じ値のボクセルは全体の{share}以下。隣り合う値の相関は{continuity}以上",
        ),
        "volume-likeness-refuse": Both(
            "correlation of at least {minimum} with one of {references} mean thumbnails of "
            "{volumes} volumes; otherwise refused",
            "{volumes}例の平均縮小像（{references}種類）のいずれかとの相関が{minimum}以上。"
            "満たさない場合は拒否",
        ),
        "volume-likeness-flag": Both(
            "correlation of at least {minimum} with one of {references} mean thumbnails of "
            "{volumes} volumes; otherwise answered with a reservation",
            "{volumes}例の平均縮小像（{references}種類）のいずれかとの相関が{minimum}以上。"
            "満たさない場合は留保付きで判定",
        ),
        "volume-likeness-both": Both(
            "correlation of at least {minimum} with one of {references} mean thumbnails of "
            "{volumes} volumes; otherwise answered with a reservation, and below {least} refused",
            "{volumes}例の平均縮小像（{references}種類）のいずれかとの相関が{minimum}以上。"
            "満たさない場合は留保付きで判定し、{least}未満は拒否",
        ),
        "ethics-volume-likeness": Both(
            "The package holds coarse mean thumbnails of {volumes} volumes, in which nobody can be "
            "recognised.",
            "パッケージは{volumes}例の粗い平均縮小像を含むが、個人は識別できない。",
        ),
        "op-reorient": Both(
            "Put the axes in the order and direction {axes}, without a computation.",
            "軸を{axes}の順序・向きに並べ替える（計算を伴わない）。",
        ),
        "op-resample": Both(
            "Resample to voxels of {spacing} mm ({interpolation}).",
            "{spacing} mmのボクセルに再標本化する（{interpolation}）。",
        ),
        "op-conform": Both(
            "Resample onto a cube of {side} voxels of {spacing} mm, axes {axes} ({interpolation}).",
            "一辺{side}ボクセル（{spacing} mm、軸{axes}）の立方体に再標本化する（{interpolation}）。",
        ),
        "op-crop_foreground": Both(
            "Keep the box around all values above {above}, with {margin} voxels around it.",
            "値が{above}を超える範囲を、周囲{margin}ボクセルを加えて切り出す。",
        ),
        "op-crop_or_pad": Both(
            "Keep {shape} voxels around the middle; pad with {value}.",
            "中央の{shape}ボクセルを残し、足りない部分は値{value}で補う。",
        ),
        "op-pad_to_multiple": Both(
            "Pad each side to a multiple of {multiple} with {value}.",
            "各辺を{multiple}の倍数まで値{value}で補う。",
        ),
        "op-eight_bit": Both(
            "Scale the values to whole numbers from 0 to 255, the brightest {rest} cut off.",
            "値を0〜255の整数に換算する（最も明るい{rest}は切り詰める）。",
        ),
        "op-clip_values": Both("Cut the values to {low} to {high}.", "値を{low}〜{high}に収める。"),
        "op-scale_range": Both(
            "Scale the values from {low}–{high} to {to_low}–{to_high}.",
            "値を{low}〜{high}から{to_low}〜{to_high}に換算する。",
        ),
        "op-minimum_maximum": Both(
            "Scale the values so that the smallest is 0 and the largest is 1.",
            "最小値が0、最大値が1となるように換算する。",
        ),
        "op-percentiles": Both(
            "Scale the values from the {low}th to the {high}th percentile to values from 0 to 1.",
            "値の{low}〜{high}パーセンタイルを0〜1に換算する。",
        ),
        "op-z_score": Both(
            "Subtract the volume's mean and divide by its standard deviation.",
            "ボリュームの平均を引き、標準偏差で割る。",
        ),
        "op-subtract_divide": Both(
            "Subtract {subtract} and divide by {divide}.", "{subtract}を引き、{divide}で割る。"
        ),
        "op-transpose": Both(
            "Exchange the axes of the array for the network.",
            "ネットワークに合わせて配列の軸を入れ替える。",
        ),
        "takes-whole": Both("the whole volume at once", "ボリューム全体を一度に"),
        "takes-windows": Both(
            "windows of {patch} voxels, overlapping by {overlap}",
            "{patch}ボクセルの窓ごと（重なり{overlap}）",
        ),
        "library": Both(
            "The function {function} of ANTsPyNet ({library}) computes {gives}; its weights lie beside "
            "the site, and their digests stand in the manifest.",
            "ANTsPyNet（{library}）の関数{function}が{gives}を計算する。"
            "重みはサイト側に置かれ、そのダイジェストはマニフェストに記載されている。",
        ),
        "gives-segmentation": Both(
            "probabilities of {count} classes for each voxel",
            "各ボクセルにおける{count}分類の確率",
        ),
        "shows-threshold": Both(
            "On the volume's own grid, a voxel is “{label}” where its probability is {threshold} or "
            "more.",
            "元のボリュームの格子上で、確率が{threshold}以上のボクセルを「{label}」とする。",
        ),
        "shows-strongest": Both(
            "On the volume's own grid, a voxel gets its most probable class; the first of equals.",
            "元のボリュームの格子上で、各ボクセルに最も確率の高い分類を与える（同率の場合は先頭のもの）。",
        ),
        "after-largest_region": Both(
            "Keep only the largest connected region.", "最大の連結領域だけを残す。"
        ),
        "after-fill_holes": Both(
            "Fill the holes inside “{label}”.", "「{label}」の内部の穴を埋める。"
        ),
        "after-remove_small": Both(
            "Remove regions of “{label}” below {least} mL.",
            "{least} mL未満の「{label}」の領域を取り除く。",
        ),
        "after-keep_labels": Both("Keep {labels} alone.", "{labels}だけを残す。"),
        "answer-value": Both("Value", "値"),
        "answer-plausible": Both("Plausible volume", "妥当な体積"),
        "expected-overlap": Both("Expected overlap (Dice)", "予測される一致度（ダイス係数）"),
        "expected-overlap-of": Both(
            "told with every mask, and flagged below {below}; wrong by {error} on average over {cases} "
            "cases of {patients} people, each left out in turn",
            "マスクごとに示し、{below}未満なら警告する。{patients}人・{cases}例を一人ずつ除いて検証した平均誤差は{error}",
        ),
        "plausible-range": Both("{low} to {high} mL", "{low}以上{high}以下（mL）"),
        "medium-nifti": Both("a NIfTI file", "NIfTIファイル"),
        "medium-dicom-series": Both("a DICOM series", "DICOMシリーズ"),
        "medium-dicom-enhanced": Both("an enhanced DICOM object", "拡張（マルチフレーム）DICOM"),
        "interpolation-nearest": Both("nearest voxel", "最近傍"),
        "interpolation-linear": Both("linear", "線形補間"),
        "interpolation-cubic": Both("cubic", "3次補間"),
        "measured-volume": Both("volume (mL)", "体積（mL）"),
        "measured-extents": Both("extents (mm)", "広がり（mm）"),
        "measured-centre": Both("centre of mass", "重心"),
        "measured-head-centre": Both("centre of mass relative to the head", "頭部を基準とした重心"),
        "measured-regions": Both("connected regions", "連結領域"),
        "measured": Both("Measured of each class", "各分類の計測項目"),
    }
)
"""Of volumes, under “Factors” and “How it decides”."""
