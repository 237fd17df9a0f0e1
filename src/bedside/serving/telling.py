"""A trace in words: the same facts as its JSON, in the order in which a person asks for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from bedside.canonical import Json

_ACTS: Final = {
    "package-added": "registered",
    "package-verified": "verified",
    "approval": "approved",
    "release": "released",
    "rollback": "went back to it",
    "retirement": "retired",
}


def told_in_words(document: dict[str, Json]) -> str:
    """Return a trace document as readable text."""
    prediction = document["prediction"]
    body = prediction["event"]["body"]
    manifest = document["manifest"]
    parts = [
        _heading(f"Prediction {prediction['event']['about']}"),
        *_answer(prediction),
        _heading("Decided"),
        *_decisions(document["decisions"]),
        _heading("What came in"),
        *_personal(prediction),
        _heading(f"The model {body['model']}@{body['version']}"),
        *_model(manifest),
        _heading("How good it is"),
        *_evaluation(manifest["evaluation"]),
        _heading("How it came to answer here"),
        *(_act(one) for one in document["lifecycle"]),
        _heading("Under what it runs"),
        *_conditions(manifest),
        _heading("Proof"),
        *_proof(document),
    ]
    return "\n".join(parts).lstrip("\n") + "\n"


def _heading(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"


def _lines(pairs: Iterable[tuple[str, Json]]) -> list[str]:
    return [f"  {name:<20} {value}" for name, value in pairs if value not in (None, "")]


def _who(told: dict[str, Json]) -> str:
    event = told["event"]
    name = told["name"] or event["actor"]
    return f"{name} ({event['actor']}) through {event['door']}, {event['at']}"


def _answer(told: dict[str, Json]) -> list[str]:
    body = told["event"]["body"]
    return _lines(
        [
            ("shown", body["label"]),
            ("threshold", body["threshold"]),
            ("scores", _erased(told) or told["personal"]["scores"]),
            ("asked by", _who(told)),
            ("computed in", f"{body['latency_us']} µs"),
            ("release epoch", body["epoch"]),
            ("package", body["package"]),
        ]
    )


def _decisions(decisions: Sequence[dict[str, Json]]) -> list[str]:
    if not decisions:
        return ["  nothing yet"]
    lines: list[str] = []
    for told in decisions:
        body = told["event"]["body"]
        reason = _erased(told) or told["personal"]["reason"]
        lines += _lines([("verdict", body["verdict"]), ("label", body["label"])])
        lines += _lines([("reason", reason), ("decided by", _who(told))])
    return lines


def _personal(told: dict[str, Json]) -> list[str]:
    body = told["event"]["body"]
    digest = ("keyed digest", body["input"])
    if erased := _erased(told):
        return _lines([("input", erased), digest])
    personal = told["personal"]
    return _lines(
        [
            ("subject", personal["subject"]),
            ("input", json.dumps(personal["input"], ensure_ascii=False)),
            digest,
        ]
    )


def _model(manifest: dict[str, Json]) -> list[str]:
    lineage = manifest["lineage"]
    parameters = ", ".join(f"{name}={value}" for name, value in lineage["parameters"].items())
    return _lines(
        [
            ("for", _english(manifest["intended_use"])),
            ("not for", _english(manifest["not_for"])),
            ("claim level", manifest["claim_level"]),
            ("trained by", f"{lineage['trained_by']}, {lineage['trained_at']}"),
            ("algorithm", lineage["algorithm"]),
            ("parameters", parameters),
            ("seed", lineage["seed"]),
            ("code", lineage["code"]),
            ("split", lineage["split"]),
            *(("data", _data(one)) for one in lineage["data"]),
            ("frozen", f"{lineage['frozen_at']} with {lineage['frozen_with']}"),
            ("replaces", lineage["parent"]),
        ]
    )


def _data(data: dict[str, Json]) -> str:
    return (
        f"{data['name']}, {data['rows']} rows, {data['digest']}, {data['licence']}; "
        f"consent: {data['consent_basis']}; from {data['origin']}"
    )


def _evaluation(evaluation: dict[str, Json]) -> list[str]:
    metrics = [
        (
            one["name"],
            f"{one['value']:.4g} ({one['lower']:.4g} to {one['upper']:.4g}, "
            f"{one['confidence']:.0%}, n={one['n']}, {one['method']})"
            + (f" in {one['subgroup']}" if one["subgroup"] else ""),
        )
        for one in evaluation["metrics"]
    ]
    return _lines([("on", _data(evaluation["data"])), *metrics])


def _act(told: dict[str, Json]) -> str:
    event = told["event"]
    body = event["body"]
    said = body.get("meaning") or body.get("reason")
    line = f"  [{told['index']}] {_ACTS.get(event['kind'], event['kind'])} by {_who(told)}"
    return line + (f"\n      “{said}”" if said else "")


def _conditions(manifest: dict[str, Json]) -> list[str]:
    conditions = manifest["conditions"]
    libraries = ", ".join(f"{k} {v}" for k, v in conditions["verified_with"].items())
    trained = ", ".join(f"{k} {v}" for k, v in manifest["lineage"]["environment"].items())
    return _lines(
        [
            ("runtime", f"ONNX Runtime {conditions['runtime']}"),
            ("processor", conditions["processor"]),
            ("optimisation", conditions["graph_optimisation"]),
            ("threads", conditions["threads"]),
            ("verified with", libraries),
            ("trained with", trained),
        ]
    )


def _proof(document: dict[str, Json]) -> list[str]:
    indices = ", ".join(str(proof["index"]) for proof in document["proofs"])
    note = document["checkpoint"]["note"].rstrip("\n")
    return [
        f"  entries {indices} stand under this checkpoint, signed with {document['checkpoint']['key']};",
        "  the JSON of this trace holds their bytes, salts and paths",
        "",
        *(f"    {line}" for line in note.split("\n")),
    ]


def _english(text: dict[str, str]) -> str:
    return text.get("en") or next(iter(text.values()), "")


def _erased(told: dict[str, Json]) -> str:
    """Return why the personal part cannot be told, or an empty string."""
    return f"erased: {told['why']} The proofs still hold." if told["personal"] == "erased" else ""
