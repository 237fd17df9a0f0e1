"""From a MeshNet's folder to a signed package, and from a head to its mask, numbers and picture.

python freeze_and_look.py FOLDER SPEC.toml HEAD OUT

FOLDER holds a brainchop model (model.json and its weights), SPEC.toml what is said of it (two lie
beside this file), HEAD is a NIfTI file or a folder of DICOM slices, OUT a new folder.
"""

import sys
from pathlib import Path

from bedside.freezing.meshnet.source import meshnet_source
from bedside.freezing.volumes.freeze import freeze_volume
from bedside.freezing.volumes.spec import read_volume_spec
from bedside.imaging.files import files_at
from bedside.imaging.views.view import Style
from bedside.imaging.volume_reading import read_volume
from bedside.keys.signing import SigningKey
from bedside.runtime.analysis import Stated
from bedside.runtime.analysis_files import files_of
from bedside.runtime.runner import Runner
from bedside.runtime.volume_gate import volume_limits

folder, spec, head, out = map(Path, sys.argv[1:])
out.mkdir()

# Every layer is compared with a plain reading of the same weights; then a drawn head is analysed,
# and analysed again from the finished package, before anything is written.
frozen = freeze_volume(
    meshnet_source(folder),
    read_volume_spec(spec),
    key=SigningKey.new(),  # of a real author: bedside keys new author.pem
    out=out / "model.bedside",
    tell=lambda step: print(f"  {step}"),
)
manifest = frozen.package.manifest
print(f"{manifest.ref}: largest difference in any layer {frozen.report.largest:.1e}")

# The golden cases were replayed a moment ago; whoever opens the file elsewhere uses `load`.
runner = Runner(frozen.package)
limits = volume_limits(manifest.input)
volume = read_volume(files_at(head, limits), limits)
analysis = runner.analyse(volume, Stated(modality="MR", body_part="HEAD"))
for label, millilitres in analysis.values.items():
    print(f"{label}: {millilitres:.0f} mL")
for flag in analysis.flags:
    print(f"Note: {flag.code}: {flag.detail}")
for name, data in files_of(analysis, manifest, volume, Style(recorded=False)).items():
    (out / name).write_bytes(data)
