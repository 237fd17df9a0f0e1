"""The words of a trace for people, in English and Japanese; a test finds a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.package.fields import Language

WORDS: Final[Mapping[str, Mapping[Language, str]]] = MappingProxyType(
    {
        "prediction": {"en": "Prediction", "ja": "予測"},
        "refusal": {"en": "Refused", "ja": "拒否"},
        "refused-for": {"en": "refused for", "ja": "拒否の理由"},
        "analysis-ended": {"en": "Analysis without an answer", "ja": "結果のない解析"},
        "why": {"en": "why", "ja": "理由"},
        "attempts": {"en": "attempts", "ja": "試行回数"},
        "ended-by": {"en": "ended by", "ja": "終了させた者"},
        "for-model": {"en": "model", "ja": "モデル"},
        "decided": {"en": "Decided", "ja": "判断"},
        "came-in": {"en": "What came in", "ja": "入力"},
        "model": {"en": "The model", "ja": "モデル"},
        "how-good": {"en": "How good it is", "ja": "性能"},
        "history": {"en": "How it came to answer here", "ja": "ここで答えるまでの経緯"},
        "runs-under": {"en": "Under what it runs", "ja": "実行条件"},
        "proof": {"en": "Proof", "ja": "証明"},
        "shown": {"en": "shown", "ja": "表示"},
        "threshold": {"en": "threshold", "ja": "しきい値"},
        "scores": {"en": "scores", "ja": "スコア"},
        "asked-by": {"en": "asked by", "ja": "依頼者"},
        "computed-in": {"en": "computed in", "ja": "計算時間"},
        "epoch": {"en": "release epoch", "ja": "リリース世代"},
        "package": {"en": "package", "ja": "パッケージ"},
        "nothing-yet": {"en": "nothing yet", "ja": "まだありません"},
        "verdict": {"en": "verdict", "ja": "判定"},
        "agree": {"en": "agree", "ja": "同意"},
        "disagree": {"en": "disagree", "ja": "不同意"},
        "corrected": {"en": "corrected", "ja": "訂正"},
        "label": {"en": "label", "ja": "ラベル"},
        "reason": {"en": "reason", "ja": "理由"},
        "decided-by": {"en": "decided by", "ja": "判断者"},
        "subject": {"en": "subject", "ja": "対象者"},
        "pseudonym": {"en": "pseudonym", "ja": "仮名"},
        "input": {"en": "input", "ja": "入力"},
        "keyed-digest": {"en": "keyed digest", "ja": "鍵付きダイジェスト"},
        "flag": {"en": "flag", "ja": "注意"},
        "explanation": {"en": "explanation shown", "ja": "示した説明"},
        "heat-map": {"en": "a heat map for", "ja": "ヒートマップ:"},
        "contributions": {"en": "what each field added to", "ja": "各項目の寄与:"},
        "picture": {"en": "picture", "ja": "画像"},
        "file": {"en": "file", "ja": "ファイル"},
        "series": {"en": "Series Instance UID", "ja": "Series Instance UID"},
        "result": {"en": "came of it", "ja": "作成したファイル"},
        "medium": {"en": "kind of file", "ja": "ファイル形式"},
        "size": {"en": "rows × columns", "ja": "行 × 列"},
        "modality": {"en": "modality", "ja": "モダリティ"},
        "body-part": {"en": "body part", "ja": "撮影部位"},
        "view": {"en": "view", "ja": "撮影方向"},
        "laterality": {"en": "laterality", "ja": "左右"},
        "sop-instance": {"en": "SOP Instance UID", "ja": "SOP Instance UID"},
        "picture-elsewhere": {
            "en": "The picture itself is not here: it is kept in the archive that it came from. "
            "The file with this SHA-256 is the one that was judged.",
            "ja": "画像そのものはここにはなく、元の保管先(PACS など)にあります。"
            "この SHA-256 を持つファイルが判定に使われたものです。",
        },
        "for": {"en": "for", "ja": "使用目的"},
        "not-for": {"en": "not for", "ja": "対象外"},
        "claim-level": {"en": "claim level", "ja": "主張の水準"},
        "trained-by": {"en": "trained by", "ja": "学習者"},
        "algorithm": {"en": "algorithm", "ja": "アルゴリズム"},
        "parameters": {"en": "parameters", "ja": "パラメータ"},
        "seed": {"en": "seed", "ja": "乱数の種"},
        "code": {"en": "code", "ja": "コード"},
        "split": {"en": "split", "ja": "データの分割"},
        "data": {"en": "data", "ja": "データ"},
        "rows": {"en": "rows", "ja": "行"},
        "consent": {"en": "consent", "ja": "同意の根拠"},
        "from": {"en": "from", "ja": "出所"},
        "frozen": {"en": "frozen", "ja": "凍結"},
        "with": {"en": "with", "ja": "使用:"},
        "replaces": {"en": "replaces", "ja": "置き換えた版"},
        "on": {"en": "on", "ja": "評価データ"},
        "package-added": {"en": "registered by", "ja": "登録:"},
        "package-verified": {"en": "verified by", "ja": "検証:"},
        "approval": {"en": "approved by", "ja": "承認:"},
        "release": {"en": "released by", "ja": "リリース:"},
        "rollback": {"en": "rolled back to by", "ja": "この版への切り戻し:"},
        "retirement": {"en": "retired by", "ja": "廃止:"},
        "runtime": {"en": "runtime", "ja": "実行環境"},
        "processor": {"en": "processor", "ja": "プロセッサ"},
        "optimisation": {"en": "optimisation", "ja": "最適化"},
        "threads": {"en": "threads", "ja": "スレッド数"},
        "verified-with": {"en": "verified with", "ja": "検証時の環境"},
        "trained-with": {"en": "trained with", "ja": "学習時の環境"},
        "requested-by": {"en": "requested by", "ja": "請求者"},
        "confirmed-by": {"en": "confirmed by", "ja": "承認者"},
        "asked": {"en": "the person asked for it", "ja": "本人の請求"},
        "consent-withdrawn": {"en": "consent was withdrawn", "ja": "同意の撤回"},
        "retention-ended": {"en": "its time was over", "ja": "保存期間の満了"},
        "unlawful": {"en": "it was kept unlawfully", "ja": "違法な取り扱い"},
        "legal-duty": {"en": "the law demands it", "ja": "法令上の義務"},
        "mistake": {"en": "it was recorded by mistake", "ja": "誤った記録"},
        "erased": {
            "en": "erased: the subject's key was destroyed",
            "ja": "消去済み(対象者の鍵は破棄されました)",
        },
        "missing": {"en": "missing", "ja": "欠測"},
        "through": {"en": "through", "ja": "経路"},
        "stand-under": {
            "en": "These entries stand under the checkpoint below; the JSON of this trace holds their "
            "bytes, salts and paths.",
            "ja": "次の項目は下のチェックポイントに含まれます。各項目のバイト列・ソルト・経路は、"
            "このトレースの JSON にあります。",
        },
        "entries": {"en": "entries", "ja": "項目番号"},
        "signed-with": {"en": "signed with", "ja": "署名鍵"},
    }
)
"""For each key, the words in every language."""


def word(key: str, language: Language) -> str:
    """Return the words for `key`; a kind of event that has none yet is shown as it is."""
    return WORDS[key][language] if key in WORDS else key
