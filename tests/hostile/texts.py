"""Specs, rows and messages: TOML, CSV and JSON that should cost more than they weigh."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.hostile import Hostile

SPEC = b'name = "x"\n'


def texts() -> Iterator[Hostile]:
    """Yield the texts of the corpus."""
    yield Hostile("good.json", "json", b'{"input": {"radius": 14.5}}', None)
    for name, (data, says) in _json().items():
        yield Hostile(f"{name}.json", "json", data, says)
    for name, (data, says) in _specs().items():
        yield Hostile(f"{name}.toml", "spec", data, says)
    yield Hostile("good.mlmodel", "mlflow", MLMODEL, None)
    for name, (data, says) in _mlmodels().items():
        yield Hostile(f"{name}.mlmodel", "mlflow", data, says)
    yield Hostile("good.csv", "rows", b"radius,sex,age\n14.0,female,50\n", None)
    for name, (data, says) in _rows().items():
        yield Hostile(f"{name}.csv", "rows", data, says)


MLMODEL = b"flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.18.0\n"


def _mlmodels() -> dict[str, tuple[bytes, str]]:
    """Return the MLmodel files of folders that hold an empty model.onnx and nothing else."""
    laughs = b"a0: &a0 [lol]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10)
    )
    outside = MLMODEL.replace(b"model.onnx", b"../../../etc/passwd")
    return {
        "yaml-billion-laughs": (laughs + MLMODEL, "it has an anchor"),
        "yaml-python-object": (
            b"x: !!python/object/apply:os.system ['touch canary-was-here']\n" + MLMODEL,
            "it has a tag",
        ),
        "yaml-directive": (b"%YAML 1.1\n---\n" + MLMODEL, "it has a directive"),
        "yaml-deep": (b"x: " + b"[" * 100_000 + b"\n", "nested too deep"),
        "yaml-endless": (MLMODEL + b"a: 1\n" * 200_000, "too long"),
        "yaml-repeated-name": (MLMODEL + MLMODEL, "stands twice"),
        "yaml-not-utf-8": (b"\xff\xfe" + MLMODEL, "cannot be read"),
        "yaml-oversized": (MLMODEL + b"#" * 2**20, "at most 1048576"),
        "mlflow-outside": (outside, "leads out of its folder"),
        "mlflow-absolute": (MLMODEL.replace(b"model.onnx", b"/etc/passwd"), "leads out of its"),
        "mlflow-missing": (MLMODEL.replace(b"model.onnx", b"other.onnx"), "is not there"),
        "mlflow-no-flavours": (b"run_id: 1\n", "it names no flavours"),
        "mlflow-a-list": (b"- 1\n", "holds no names"),
    }


def _json() -> dict[str, tuple[bytes, str]]:
    return {
        "message-nan": (b'{"age": NaN}', "NaN is not a JSON number"),
        "message-minus-infinity": (b'{"age": -Infinity}', "-Infinity is not a JSON number"),
        "message-huge-float": (b'{"age": 1e400}', "too large to be read exactly"),
        "message-huge-integer": (b'{"age": ' + b"9" * 100_000 + b"}", "too long"),
        "message-odd-integer": (b'{"age": 9007199254740993}', "too large to be read exactly"),
        "message-repeated-name": (b'{"age": 50, "age": 90}', "'age' stands twice"),
        "message-repeated-by-escape": (b'{"age": 50, "\\u0061ge": 90}', "'age' stands twice"),
        "message-deep": (b"[" * 1_000_000, "nested deeper than 64"),
        "message-deep-behind-a-text": (b'["[[[", ' * 100_000, "nested deeper than 64"),
        "message-with-a-mark": (b'\xef\xbb\xbf{"age": 50}', "Not JSON"),
        "message-utf-16": ('{"age": 50}'.encode("utf-16"), "Not UTF-8"),
        "message-overlong-utf-8": (b'{"\xc0\xae": 1}', "Not UTF-8"),
        "message-open-text": (b'{"a": "' + b"\\" * 999_999, "Not JSON"),
        "message-trailing": (b'{"age": 50} {"age": 60}', "Not JSON"),
        "message-empty": (b"", "Not JSON"),
    }


def _specs() -> dict[str, tuple[bytes, str]]:
    return {
        "spec-not-toml": (b"\x80\x04N.", "is not TOML"),
        "spec-deep-arrays": (b"name = " + b"[" * 200_000, "spec-deep-arrays.toml"),
        "spec-deep-tables": (b"name = " + b"{a=" * 200_000, "spec-deep-tables.toml"),
        "spec-deep-name": (b"a." * 500_000 + b"a = 1", "spec-deep-name.toml"),
        "spec-repeated-name": (SPEC * 2, "is not TOML"),
        "spec-oversized": (SPEC + b"#" * (2 * 2**20), "is larger than"),
        "spec-nan": (SPEC + b"tolerance = nan\n", "nan"),
        "spec-infinity": (SPEC + b"tolerance = inf\n", "inf"),
        "spec-huge-integer": (
            SPEC + b"tolerance = " + b"9" * 5000 + b"\n",
            "spec-huge-integer.toml",
        ),
        "spec-unknown-name": (SPEC + b"run = 'import os'\n", "is not complete"),
        "spec-nothing": (b"", "name"),
    }


def _rows() -> dict[str, tuple[bytes, str]]:
    wide = b",".join(b"c%d" % n for n in range(300_000))
    return {
        "rows-not-utf-8": (b"radius\n\xff\n", "Not UTF-8"),
        "rows-ragged": (b"radius,age\n1\n", "has 1 cells"),
        "rows-repeated-column": (b"radius,radius\n1,2\n", "'radius' stands twice"),
        "rows-wide-and-repeated": (wide + b",c299999\n1\n", "'c299999' stands twice"),
        "rows-open-quote": (b'radius\n"' + b"a" * 200_000, "Not CSV"),
        "rows-empty": (b"", "The CSV is empty"),
        "rows-oversized": (b"radius\n" + b"1\n" * (33 * 2**20), "more than 67108864 bytes"),
    }
