"""What a frozen MeshNet takes of memory: two neighbouring tensors, for the second head too.

With memory patterns, ONNX Runtime took them twice from the second run on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.freezing.meshnet.reading import read_meshnet
from bedside.freezing.meshnet.source import SPARE, memory_of
from tests.freezing.meshnet.folders import Asked, folder_of

SIDE = 96
WIDE = (
    Asked("a_gn", 15, dilation=4, bias=False, activation="gelu"),
    Asked("b_gn", 15, dilation=2, bias=False, activation="gelu"),
    Asked("output", 2, kernel=1, activation=None),
)

CHILD = """
import json, resource, sys
# VmHWM and not getrusage: that one begins with what the parent had when it forked
from pathlib import Path
import numpy as np
from bedside.freezing.meshnet.graph import onnx_of
from bedside.freezing.meshnet.reading import read_meshnet
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.progress import silent
from tests.freezing.meshnet.folders import declared

def now():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

def most():
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in one]
    return int(line.split()[1]) * 1024

net = read_meshnet(Path(sys.argv[1]))
graph = onnx_of(net, net.shape)
engine = OnnxEngine(graph, *declared(graph, net.shape), net.classes)
volume = Prepared(np.random.default_rng(0).random((1, *net.shape), dtype=np.float32), np.eye(4))
before, told = now(), {}
for number in (1, 2, 3):
    engine(volume, silent)
    told[f"after {number}"], told[f"most {number}"] = now() - before, most() - before
print(json.dumps(told))
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from Linux' /proc"
)
def test_a_run_takes_what_is_declared_and_gives_it_back(tmp_path: Path) -> None:
    folder = folder_of(WIDE, side=SIDE).write(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, folder],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    net = read_meshnet(folder)
    tensors = memory_of(net) - SPARE
    assert tensors == 30 * SIDE**3 * 4
    assert 0.8 * tensors < told["most 1"] < memory_of(net)
    assert told["most 3"] < memory_of(net)
    assert told["after 3"] < 0.7 * tensors
