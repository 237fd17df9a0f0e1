from __future__ import annotations

import pytest

from bedside.errors import UsageError
from bedside.serving.values import Decision, Row, Shown, Verdict, check_decision, final_label

SHOWN = Shown("malignant", ("benign", "malignant"))
QUANTITY = Shown(None)


@pytest.mark.parametrize(
    ("decision", "stands"),
    [
        (Decision(Verdict.AGREE), "malignant"),
        (Decision(Verdict.AGREE, reason="clear margins"), "malignant"),
        (Decision(Verdict.DISAGREE, reason=" artefact "), None),
        (Decision(Verdict.CORRECTED, "benign", "biopsy"), "benign"),
    ],
)
def test_what_stands_after_a_decision(decision: Decision, stands: str | None) -> None:
    fitting = check_decision(decision, SHOWN)
    assert fitting.reason == decision.reason.strip()
    assert final_label(fitting, SHOWN) == stands


@pytest.mark.parametrize(
    ("decision", "shown", "said"),
    [
        (Decision(Verdict.DISAGREE), SHOWN, "reason"),
        (Decision(Verdict.CORRECTED, "benign", "  "), SHOWN, "reason"),
        (Decision(Verdict.CORRECTED, None, "why"), SHOWN, "Choose from: benign"),
        (Decision(Verdict.CORRECTED, "malignant", "why"), SHOWN, "cannot replace"),
        (Decision(Verdict.CORRECTED, "other", "why"), SHOWN, "'other' cannot replace"),
        (Decision(Verdict.CORRECTED, "3.2", "why"), QUANTITY, "gives a quantity"),
        (Decision(Verdict.AGREE, "benign"), SHOWN, "only with the verdict 'corrected'"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused(
    decision: Decision, shown: Shown, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        check_decision(decision, shown)


@pytest.mark.parametrize("subject", ["", "  ", "x" * 201, "a\nb", "a\u202eb"])
def test_a_subject_is_a_short_printable_pseudonym(subject: str) -> None:
    with pytest.raises(UsageError):
        Row({}, subject)
