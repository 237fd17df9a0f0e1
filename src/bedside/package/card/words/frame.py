"""Headings, names of values, and the levels of claim."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.package.card.words.both import Both

FRAME: Final[Mapping[str, Both]] = MappingProxyType(
    {
        "kind": Both("Model card", "モデルカード"),
        "contents": Both("Contents", "目次"),
        "details": Both("Model details", "モデルの詳細"),
        "use": Both("Intended use", "使用目的"),
        "factors": Both("Factors: what it takes", "因子：入力できるもの"),
        "decides": Both("How it decides", "判定の仕組み"),
        "metrics": Both("Metrics", "評価指標"),
        "evaluation": Both("Evaluation data", "評価データ"),
        "training": Both("Training data", "学習データ"),
        "analyses": Both("Quantitative analyses", "定量的分析"),
        "ethics": Both("Ethical considerations", "倫理的配慮"),
        "caveats": Both("Caveats and recommendations", "注意事項と推奨事項"),
        "freezing": Both(
            "What freezing changed, and what is checked at every start",
            "凍結による変化と起動時の検査",
        ),
        "made": Both(
            "Made from the package's manifest alone, by Bedside; nothing was added by hand.",
            "パッケージのマニフェストのみからBedsideが作成したもので、手作業による追記はない。",
        ),
        "made-digest": Both("Package digest: {digest}", "パッケージのダイジェスト：{digest}"),
        "made-headings": Both(
            "The headings follow Mitchell et al. 2019, “Model Cards for Model Reporting”.",
            "見出しはMitchell et al. 2019「Model Cards for Model Reporting」に準拠する。",
        ),
        "only-in-en": Both("shown in English", "日本語の記載がないため英語で表示"),
        "only-in-ja": Both("shown in Japanese: the manifest has no English", "日本語で表示"),
        "name": Both("Name", "名称"),
        "version": Both("Version", "版"),
        "licence": Both("Licence", "ライセンス"),
        "claim": Both("Claim level", "主張の水準"),
        "languages": Both("Languages", "言語"),
        "language-en": Both("English", "英語"),
        "language-ja": Both("Japanese", "日本語"),
        "algorithm": Both("Algorithm", "アルゴリズム"),
        "parameters": Both("Parameters", "パラメータ"),
        "trained-by": Both("Trained by", "学習の実施者"),
        "trained-at": Both("Trained at", "学習日時"),
        "code": Both("Training code", "学習コード"),
        "seed": Both("Seed", "乱数シード"),
        "seed-unknown": Both("not stated", "記載なし"),
        "replaces": Both("Replaces the package", "置き換えるパッケージ"),
        "run-record": Both("Record of the training run", "学習実行の記録"),
        "moment": Both("{day}, {time} UTC", "{day} {time}（UTC）"),
        "frozen-at": Both("Frozen at", "凍結日時"),
        "frozen-with": Both("Frozen with", "凍結に用いたソフトウェア"),
        "for": Both("Meant for", "対象となる使い方"),
        "not-for": Both("Not for", "対象外となる使い方"),
        "claim-demonstration": Both("Demonstration", "デモンストレーション"),
        "claim-research": Both("Research", "研究用"),
        "claim-investigational": Both("Investigational", "治験・臨床研究用"),
        "claim-cleared": Both("Cleared", "承認・認証済み"),
        "claim-of": Both("{level}. {means}", "{level}。{means}"),
        "means-demonstration": Both(
            "It shows how the software works. Nothing is claimed about its use on people; it must "
            "not influence anybody's care.",
            "ソフトウェアの動作を示すためのもの。人への使用について何も主張せず、"
            "いかなる診療にも影響させてはならない。",
        ),
        "means-research": Both(
            "For research only. Its answer must not influence the care of any person.",
            "研究専用。その出力を個人の診療に影響させてはならない。",
        ),
        "means-investigational": Both(
            "Only within a study that an ethics committee has approved, and as its protocol says.",
            "倫理審査で承認された研究・治験の中で、その計画書に従う場合に限り使用できる。",
        ),
        "means-cleared": Both(
            "Its author states that an authority has cleared it for the use below. This card does "
            "not prove it: ask for the certificate, and in which countries it holds.",
            "規制当局の承認・認証を受けていると作成者が記載している。"
            "本カードはその証明ではないため、証書と有効な国・地域を確認すること。",
        ),
    }
)
"""What every card says, whatever its model takes and gives."""
