"""What a model rests on: data, figures, what freezing changed, under what it was verified."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.package.card.words.both import Both

RESTS: Final[Mapping[str, Both]] = MappingProxyType(
    {
        "data": Both("Data set", "データセット"),
        "rows": Both("Rows", "件数"),
        "data-licence": Both("Licence of the data", "データのライセンス"),
        "consent": Both("Basis of consent", "同意の根拠"),
        "origin": Both("Comes from", "出所"),
        "digest": Both("Digest", "ダイジェスト"),
        "split": Both("How it was split", "分割の方法"),
        "notes": Both("Notes", "備考"),
        "same-data": Both(
            "The training data and the evaluation data have the same digest. Whether the figures "
            "rest on rows that training never saw depends on the split: {split}",
            "学習データと評価データのダイジェストが同一である。学習に用いていない件で"
            "評価したかどうかは、分割の方法による：{split}",
        ),
        "metrics-about": Both(
            "The figures that are reported, and how each estimate and its interval were made",
            "報告する指標と、推定値および区間の求め方",
        ),
        "figures": Both("Figures", "指標の値"),
        "figure": Both("Figure", "指標"),
        "figure-means": Both("What it says", "意味"),
        "group": Both("Group", "群"),
        "everybody": Both("all", "全体"),
        "value": Both("Estimate", "推定値"),
        "interval": Both("Interval", "区間"),
        "method": Both("Method", "方法"),
        "cases": Both("n", "n"),
        "no-interval": Both("none", "なし"),
        "interval-of": Both("{low} to {high} ({confidence})", "{low}〜{high}（{confidence}）"),
        "drawn": Both(
            "The same, drawn from 0 to 1: the dot is the estimate, the line its interval.",
            "同じ値を0〜1の範囲で図示（点が推定値、線が区間）。",
        ),
        "ethics-consent": Both(
            "On what basis people's data were used: {name}: {consent}",
            "データ利用の根拠（同意など）：{name}：{consent}",
        ),
        "ethics-golden-made": Both(
            "The golden cases inside the package were made or changed; none of them is a real row.",
            "パッケージ内の検算例は合成または変更されたもので、実データの行そのものは含まない。",
        ),
        "ethics-golden-real": Both(
            "Some golden cases inside the package are real rows of the data. Whoever has the file "
            "has these rows.",
            "パッケージ内の検算例の一部は実データの行であり、"
            "ファイルを持つ者はその行を見ることができる。",
        ),
        "ethics-likeness": Both(
            "The package keeps the mean of {pictures} training pictures at 16 × 16 pixels; no "
            "single person can be recognised in it.",
            "学習画像{pictures}枚の平均を16×16画素で保持するが、個人を識別することはできない。",
        ),
        "ethics-decides": Both(
            "A person decides, not the model: every answer is recorded together with what the "
            "physician finally decided, where the package is served by a site.",
            "決めるのは人であり、モデルではない。施設で運用する場合、すべての出力は"
            "医師の最終判断とともに記録される。",
        ),
        "caveat-domain": Both(
            "It answers only inside of what it takes; inside of it, it may still be wrong. An answer "
            "is never a certainty.",
            "入力できる範囲の中でのみ判定するが、その中でも誤ることがあり、確実なものではない。",
        ),
        "caveat-groups": Both(
            "Before using it, check how good it is for your own patients: no group was examined "
            "separately.",
            "群ごとの評価がないため、使用前に自施設の患者での性能を確認すること。",
        ),
        "caveat-wide": Both(
            "{name} ({group}) is not known well: its interval goes from {low} to {high} (n = {n}).",
            "{name}（{group}）は区間が広く、十分に分かっていない（{low}〜{high}、n = {n}）。",
        ),
        "caveat-uncalibrated": Both(
            "No calibration is declared: whether 8 of 10 patients with a probability of 0.8 have "
            "the finding is not known from this manifest.",
            "較正は定められていない。確率0.8の患者10人のうち8人に所見があるかどうかは、"
            "このマニフェストからは分からない。",
        ),
        "caveat-explains": Both(
            "An explanation shows what the model's answer depends on, and no cause of a disease.",
            "説明は判定が何に依存したかを示すものであり、疾患の原因を示すものではない。",
        ),
        "freezing-about": Both(
            "The native model and the frozen one were compared on {rows} rows, from the raw input "
            "to the label.",
            "元のモデルと凍結後のモデルを、入力からラベルまで{rows}件で比較した。",
        ),
        "largest-difference": Both("Largest difference", "最大の差"),
        "difference-of": Both(
            "{largest} (tolerated: {tolerance}); no label differs",
            "{largest}（許容：{tolerance}）。ラベルの相違はない",
        ),
        "no-difference": Both(
            "none (tolerated: {tolerance}); no label differs",
            "なし（許容：{tolerance}）。ラベルの相違はない",
        ),
        "golden": Both("Golden cases", "検算例（ゴールデンケース）"),
        "golden-of": Both(
            "{cases}; each is replayed at every start and must come within {tolerance} of its "
            "recorded answer, or the package does not serve",
            "{cases}件。起動のたびに再計算し、記録した答えとの差が{tolerance}以内でなければ"
            "使用できない",
        ),
        "runtime": Both("Runs on", "実行環境"),
        "runtime-of": Both("ONNX Runtime {range}", "ONNX Runtime {range}"),
        "processor": Both("Processor", "プロセッサ"),
        "optimisation": Both("Graph optimisation", "グラフ最適化"),
        "threads": Both("Threads", "スレッド数"),
        "verified-with": Both("Verified with", "検証に用いたライブラリ"),
        "trained-with": Both("Trained with", "学習時の環境"),
        "entries": Both("Inside the package", "パッケージの内容"),
        "entry-of": Both("{name}: {size} bytes, {digest}", "{name}：{size}バイト、{digest}"),
        "signature": Both(
            "Whether the package is signed, and by whom, is not part of its manifest: ask "
            "“bedside verify”.",
            "署名の有無と署名者はマニフェストに含まれない。「bedside verify」で確認すること。",
        ),
    }
)
"""Under the headings on data, figures, ethics, caveats and freezing."""

MEASURES: Final[Mapping[str, Both]] = MappingProxyType(
    {
        "sensitivity": Both(
            "of those who have the finding, the share that is shown as such",
            "所見のある人のうち、そう示された割合",
        ),
        "specificity": Both(
            "of those who do not have it, the share that is shown as such",
            "所見のない人のうち、そう示された割合",
        ),
        "positive predictive value": Both(
            "of those shown to have the finding, the share that has it; it changes with how common "
            "the finding is",
            "所見ありと示された人のうち、実際にある割合（有病率により変わる）",
        ),
        "negative predictive value": Both(
            "of those shown not to have it, the share that does not; it changes with how common the "
            "finding is",
            "所見なしと示された人のうち、実際にない割合（有病率により変わる）",
        ),
        "accuracy": Both(
            "the share of all answers that are right; it says little where the finding is rare",
            "全体のうち正しく示された割合（所見がまれな場合の意味は小さい）",
        ),
        "auroc": Both(
            "how often one with the finding scores higher than one without: 0.5 is chance, 1 perfect",
            "所見のある人のスコアがない人より高くなる割合（0.5は偶然、1は完全）",
        ),
        "brier score": Both(
            "mean squared distance of the probability from what was true: 0 is best",
            "確率と真の結果との差の二乗の平均（0が最良）",
        ),
        "mean absolute error": Both(
            "how far the number is from the truth on average, in its unit",
            "真の値との差の絶対値の平均（単位は出力と同じ）",
        ),
        "mean error": Both(
            "whether the number is too high (above 0) or too low on average",
            "真の値からの平均的な偏り（0より大きければ高め）",
        ),
    }
)
"""What well-known figures say; the keys are their names in lower case."""
