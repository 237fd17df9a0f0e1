from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from bedside.errors import UsageError
from bedside.freezing.pytorch import installed


def test_the_versions_that_decide_are_told() -> None:
    found = installed.check_torch()
    assert list(found) == ["torch", "onnx", "onnxscript", "safetensors"]


@pytest.mark.parametrize("missing", installed.NEEDED)
def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def version(name: str) -> str:
        if name == missing:
            raise PackageNotFoundError(name)
        return "2.13.0"

    monkeypatch.setattr(installed, "version", version)
    with pytest.raises(UsageError, match=rf"needs {missing}.*pip install 'bedside\[torch\]'"):
        installed.check_torch()


def test_a_pytorch_that_cannot_read_weights_safely_is_refused() -> None:
    with pytest.raises(UsageError, match=r"PyTorch 2\.5\.1.*2\.8 or later"):
        installed.refuse_old("2.5.1")
    installed.refuse_old("2.13.0+cpu")
