from __future__ import annotations

import pytest

from bedside.errors import UsageError
from bedside.lab.brain.settings import BrainSettings
from bedside.lab.training.configuring import configured


@pytest.mark.parametrize(
    ("word", "said", "fits"),
    [
        ("grid=[96,96]", "grid is [96, 96]", "a list of 3 values, each a whole number"),
        ("grid=[96,96,5]", "grid is 5", "[96, 112, 96] unless set"),
        ("network.widths=[]", "network.widths is []", "a list of a whole number"),
        ("closing=9", "closing is 9", "a number, 4.0 unless set"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_fits(word: str, said: str, fits: str) -> None:
    with pytest.raises(UsageError) as refused:
        configured(BrainSettings, [word])
    assert said in refused.value.message
    assert fits in refused.value.advice
