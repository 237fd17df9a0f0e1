from __future__ import annotations

import subprocess
import sys

import pytest

from bedside.errors import FreezeRefused, UsageError
from bedside.freezing import libraries


def test_the_versions_of_all_libraries_are_told() -> None:
    assert set(libraries.check_libraries()) == {"python", *libraries.NEEDED}


def test_protobuf_7_is_refused_with_the_command_that_helps() -> None:
    with pytest.raises(FreezeRefused, match=r"protobuf 7\.0\.1 is installed.*'protobuf>=4\.25,<7'"):
        libraries.refuse_protobuf("7.0.1")
    libraries.refuse_protobuf("6.33.6")


def test_a_missing_library_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "NEEDED", ("a-library-that-nobody-wrote",))
    with pytest.raises(
        UsageError, match=r"a-library-that-nobody-wrote.*pip install 'bedside\[lab\]'"
    ):
        libraries.check_libraries()


def test_importing_bedside_and_its_spec_brings_no_training_library() -> None:
    code = (
        "import sys, bedside\n"
        "assert not {'pydantic', 'sklearn', 'numpy'} & set(sys.modules), 'import bedside is heavy'\n"
        "bedside.freeze, bedside.freeze_file, bedside.Spec, bedside.read_spec\n"
        "heavy = {'sklearn', 'pandas', 'onnx', 'skl2onnx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_faces_can_be_imported_without_the_laboratory() -> None:
    code = (
        "import sys\n"
        "for name in ('sklearn', 'pandas', 'onnx', 'skl2onnx', 'joblib'): sys.modules[name] = None\n"
        "import bedside.freezing.freeze, bedside.freezing.isolated, bedside.freezing.spec\n"
        "import bedside.lab.breast_cancer, bedside.lab.evaluation, bedside.lab.threshold\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_freezing_a_network_on_pictures_brings_no_scikit_learn_and_no_pandas() -> None:
    rooms = ("assembly", "images.pictures", "sources.module", "sources.onnx_file")
    code = (
        f"import sys, {', '.join(f'bedside.freezing.{room}' for room in rooms)}\n"
        "assert not {'sklearn', 'pandas', 'skl2onnx', 'joblib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
