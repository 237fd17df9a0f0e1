"""A trace in words: the same facts as its JSON, in the order in which a person asks for them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bedside.canonical import Json
from bedside.package.fields import Language
from bedside.package.parameters import parameters_in_words
from bedside.serving.flags import flag_words
from bedside.serving.words import word

NAME_COLUMNS: Final = 26
"""Width of the column of names; a Japanese character takes two columns."""

MOST_CONTRIBUTIONS: Final = 5
"""Contributions of fields that are told, the largest first; the JSON has them all."""

MOST_REFUSED_CHARACTERS: Final = 1000
"""Of an input that was refused, and of one value of it, that are told; the JSON has more."""

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Characters that break lines, turn the direction of writing, or are not to be seen. Source: Unicode
Character Database, General_Category."""

Pairs: TypeAlias = Iterable[tuple[str, Json]]


def told_in_words(document: dict[str, Json], language: Language = "en") -> str:
    """Return a trace document as readable text in `language`."""
    return _Teller(language).tell(document)


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells one trace in one language."""

    language: Language

    def tell(self, document: dict[str, Json]) -> str:
        kind = document["prediction"]["event"]["kind"]
        about = {"refusal": self._refused, "analysis-ended": self._ended}.get(kind, self._predicted)
        parts = [
            *about(document),
            *(self._version(document) if "manifest" in document else ()),
            *self._heading("proof"),
            *self._proof(document),
        ]
        return "\n".join(_on_one_line(part) for part in parts).lstrip("\n") + "\n"

    def _predicted(self, document: dict[str, Json]) -> list[str]:
        prediction, manifest = document["prediction"], document["manifest"]
        return [
            *self._heading("prediction", prediction["event"]["about"]),
            *self._answer(prediction, manifest),
            *self._heading("decided"),
            *self._decisions(document["decisions"], manifest),
            *self._heading("came-in"),
            *self._personal(prediction),
        ]

    def _refused(self, document: dict[str, Json]) -> list[str]:
        """Tell of what was refused: why, who asked, and what came in, unread, as far as it is kept."""
        told = document["prediction"]
        body = told["event"]["body"]
        erased = self._erased(told)
        personal = {} if erased else told["personal"]
        reasons = personal.get("refusals") or body["refusals"]
        facts = [
            *(("refused-for", _reason(one)) for one in reasons),
            ("asked-by", self._who(told)),
            ("computed-in", f"{body['latency_us']} µs"),
            ("epoch", body["epoch"]),
            ("package", body["package"]),
        ]
        kept = [("input", erased or personal.get("input", "")[:MOST_REFUSED_CHARACTERS])]
        digest = ("keyed-digest", body["input"])
        return [
            *self._heading("refusal", told["event"]["id"]),
            *self._lines(facts),
            *self._heading("came-in"),
            *self._lines([*self._whose(personal), *kept, digest]),
        ]

    def _ended(self, document: dict[str, Json]) -> list[str]:
        """Tell of an analysis of which no answer came: why, who asked, and who or what ended it."""
        told = document["prediction"]
        body = told["event"]["body"]
        door = body.get("asked_through", "")
        through = f", {self._say('through')} {door}" if door else ""
        facts = [
            ("why", body["code"]),
            ("attempts", body["attempts"]),
            ("asked-by", f"{body['asked_by']}{through}, {body['asked_at']}"),
            ("ended-by", self._who(told)),
            ("for-model", body["model"]),
            ("package", body.get("package")),
        ]
        return [*self._heading("analysis-ended", told["event"]["about"]), *self._lines(facts)]

    def _version(self, document: dict[str, Json]) -> list[str]:
        body, manifest = document["prediction"]["event"]["body"], document["manifest"]
        return [
            *self._heading("model", f"{body['model']}@{body['version']}"),
            *self._model(manifest),
            *self._heading("how-good"),
            *self._evaluation(manifest["evaluation"]),
            *self._heading("history"),
            *(line for one in document["lifecycle"] for line in self._act(one)),
            *self._heading("runs-under"),
            *self._conditions(manifest),
        ]

    def _say(self, key: str) -> str:
        return word(key, self.language)

    def _heading(self, key: str, about: str = "") -> list[str]:
        text = f"{self._say(key)} {about}".rstrip()
        return ["", text, "-" * _columns(text)]

    def _lines(self, pairs: Pairs) -> list[str]:
        return [_line(self._say(key), value) for key, value in pairs if value not in (None, "")]

    def _who(self, told: dict[str, Json]) -> str:
        event = told["event"]
        name = told["name"] or event["actor"]
        return f"{name} ({event['actor']}), {self._say('through')} {event['door']}, {event['at']}"

    def _answer(self, told: dict[str, Json], manifest: dict[str, Json]) -> list[str]:
        body = told["event"]["body"]
        unit = " mL" if manifest["postprocessing"]["kind"] == "segmentation" else ""
        scores = self._erased(told) or ", ".join(
            f"{label} {score:.6g}{unit}" for label, score in told["personal"]["scores"].items()
        )
        return self._lines(
            [
                ("shown", self._label(body["label"], manifest)),
                ("threshold", body["threshold"]),
                ("scores", scores),
                *(("flag", one) for one in self._flags(told)),
                ("explanation", self._explanation(told)),
                ("asked-by", self._who(told)),
                ("computed-in", f"{body['latency_us']} µs"),
                ("epoch", body["epoch"]),
                ("package", body["package"]),
            ]
        )

    def _decisions(
        self, decisions: Sequence[dict[str, Json]], manifest: dict[str, Json]
    ) -> list[str]:
        if not decisions:
            return [f"  {self._say('nothing-yet')}"]
        lines: list[str] = []
        for told in decisions:
            body = told["event"]["body"]
            reason = self._erased(told) or told["personal"]["reason"]
            lines += self._lines(
                [
                    ("verdict", self._say(body["verdict"])),
                    ("label", self._label(body["label"], manifest)),
                    ("reason", reason),
                    ("decided-by", self._who(told)),
                ]
            )
        return lines

    def _label(self, label: str | None, manifest: dict[str, Json]) -> str | None:
        """Return the recorded label, and the words that the manifest has for it where they differ."""
        for one in manifest["postprocessing"].get("classes") or ():
            words = one["shown"].get(self.language)
            if one["label"] == label and words and words != label:
                return f"{label} ({words})"
        return label

    def _flags(self, told: dict[str, Json]) -> list[str]:
        """Return the words of each flag, with what was found where that can be read."""
        body = told["event"]["body"]
        codes: list[str] = body.get("flags") or []
        details = [""] * len(codes)
        if codes and not self._erased(told):
            details = [f" ({one['detail']})" for one in told["personal"]["flags"]]
        return [
            self._in_language(flag_words(code)) + detail
            for code, detail in zip(codes, details, strict=True)
        ]

    def _explanation(self, told: dict[str, Json]) -> str | None:
        if not told["event"]["body"].get("explained"):
            return None
        if erased := self._erased(told):
            return erased
        kept = told["personal"]["explanation"]
        if "png" in kept:
            return f"{self._say('heat-map')} {kept['of']!r}, {kept['png']['digest']}"
        fields = kept.get("contributions", ())
        largest = [f"{one['field']} {one['contribution']:+.3g}" for one in fields]
        more = ["…"] if len(largest) > MOST_CONTRIBUTIONS else []
        told_fields = ", ".join(largest[:MOST_CONTRIBUTIONS] + more) or kept["digest"]
        return f"{self._say('contributions')} {kept['of']!r}: {told_fields}"

    def _personal(self, told: dict[str, Json]) -> list[str]:
        digest = ("keyed-digest", told["event"]["body"]["input"])
        if erased := self._erased(told):
            return self._lines([("input", erased), digest])
        personal = told["personal"]
        if "picture" in personal:
            return [*self._lines([*self._whose(personal), digest]), *self._film(personal)]
        if "volume" in personal:
            return [*self._lines([*self._whose(personal), digest]), *self._volume(personal)]
        fields = [
            _line(f"  {name}", self._value(value))
            for name, value in sorted(personal["input"].items())
        ]
        head = self._lines([*self._whose(personal), digest])
        return [*head, f"  {self._say('input')}", *fields]

    def _whose(self, personal: dict[str, Json]) -> Pairs:
        return [("subject", personal.get("subject")), ("pseudonym", personal.get("pseudonym"))]

    def _film(self, personal: dict[str, Json]) -> list[str]:
        """Tell what names a picture, and where it is: it is not in the ledger."""
        file, facts = personal["input"]["image"], personal["picture"]
        lines = self._lines(
            [
                ("picture", f"{file['digest']}, {file['bytes']} bytes"),
                ("medium", facts["medium"]),
                ("size", f"{facts['rows']} × {facts['columns']}"),
                ("modality", facts["modality"]),
                ("body-part", facts["body_part"]),
                ("view", facts["view"]),
                ("laterality", facts["laterality"]),
                ("sop-instance", facts["sop_instance"]),
            ]
        )
        return [*lines, f"  {self._say('picture-elsewhere')}"]

    def _volume(self, personal: dict[str, Json]) -> list[str]:
        """Tell what names a volume, what was made of it, and where it is: not in the ledger."""
        sent, facts = personal["input"]["volume"], personal["volume"]
        files = sent if isinstance(sent, list) else [sent]
        lines = self._lines(
            [
                *(("file", f"{one['digest']}, {one['bytes']} bytes") for one in files),
                ("medium", facts["medium"]),
                ("modality", facts["modality"]),
                ("body-part", facts["body_part"]),
                ("series", facts.get("series")),
                *(("result", f"{one['name']}, {one['digest']}") for one in personal["results"]),
            ]
        )
        return [*lines, f"  {self._say('picture-elsewhere')}"]

    def _value(self, value: Json) -> str:
        if value is None:
            return self._say("missing")
        if isinstance(value, dict):
            return f"{self._value(value.get('value'))} {value.get('unit', '')}".rstrip()
        return str(value)

    def _model(self, manifest: dict[str, Json]) -> list[str]:
        lineage = manifest["lineage"]
        return self._lines(
            [
                ("for", self._in_language(manifest["intended_use"])),
                ("not-for", self._in_language(manifest["not_for"])),
                ("claim-level", manifest["claim_level"]),
                ("trained-by", f"{lineage['trained_by']}, {lineage['trained_at']}"),
                ("algorithm", lineage["algorithm"]),
                ("parameters", parameters_in_words(lineage["parameters"])),
                ("seed", lineage["seed"]),
                ("code", lineage["code"]),
                ("split", lineage["split"]),
                *(("data", self._data(one)) for one in lineage["data"]),
                ("frozen", f"{lineage['frozen_at']} {self._say('with')} {lineage['frozen_with']}"),
                ("replaces", lineage["parent"]),
            ]
        )

    def _data(self, data: dict[str, Json]) -> str:
        return (
            f"{data['name']}, {data['rows']} {self._say('rows')}, {data['digest']}, "
            f"{data['licence']}; {self._say('consent')}: {data['consent_basis']}; "
            f"{self._say('from')}: {data['origin']}"
        )

    def _evaluation(self, evaluation: dict[str, Json]) -> list[str]:
        metrics = [
            _line(
                one["name"],
                f"{one['value']:.4g} ({one['lower']:.4g}–{one['upper']:.4g}, "
                f"{one['confidence']:.0%}, n={one['n']}, {one['method']})"
                + (f" [{one['subgroup']}]" if one["subgroup"] else ""),
            )
            for one in evaluation["metrics"]
        ]
        return [*self._lines([("on", self._data(evaluation["data"]))]), *metrics]

    def _act(self, told: dict[str, Json]) -> list[str]:
        event = told["event"]
        said = event["body"].get("meaning") or event["body"].get("reason")
        line = f"  [{told['index']}] {self._say(event['kind'])} {self._who(told)}"
        return [line, f"      “{said}”"] if said else [line]

    def _conditions(self, manifest: dict[str, Json]) -> list[str]:
        conditions = manifest["conditions"]
        return self._lines(
            [
                ("runtime", f"ONNX Runtime {conditions['runtime']}"),
                ("processor", conditions["processor"]),
                ("optimisation", conditions["graph_optimisation"]),
                ("threads", conditions["threads"]),
                ("verified-with", _versions(conditions["verified_with"])),
                ("trained-with", _versions(manifest["lineage"]["environment"])),
            ]
        )

    def _proof(self, document: dict[str, Json]) -> list[str]:
        indices = ", ".join(str(proof["index"]) for proof in document["proofs"])
        pairs = [("entries", indices), ("signed-with", document["checkpoint"]["key"])]
        note = document["checkpoint"]["note"].rstrip("\n").split("\n")
        return [
            f"  {self._say('stand-under')}",
            *self._lines(pairs),
            "",
            *(f"    {line}".rstrip() for line in note),
        ]

    def _erased(self, told: dict[str, Json]) -> str:
        """Return why the personal part cannot be told, or an empty string."""
        if told["personal"] != "erased":
            return ""
        gone = told.get("erasure")
        if gone is None:
            return f"{self._say('erased')} ({told['why']})"
        asked, confirmed = (
            f"{one['name']} ({one['id']})" for one in (gone["requested_by"], gone["confirmed_by"])
        )
        return (
            f"{self._say('erased')}: {gone['at']}, {self._say(gone['reason'])};"
            f" {self._say('requested-by')} {asked}, {self._say('confirmed-by')} {confirmed}"
        )

    def _in_language(self, text: Mapping[Language, str]) -> str:
        return text.get(self.language) or text.get("en") or next(iter(text.values()), "")


def _line(name: str, value: Json) -> str:
    """Return one line: the name, padded to its column, and the value."""
    return f"  {name}{' ' * max(1, NAME_COLUMNS - _columns(name))}{value}"


def _reason(found: dict[str, Json]) -> str:
    """Return one reason of a refusal: the field, the code, and what was found where it is told."""
    value = f" ({found['value'][:MOST_REFUSED_CHARACTERS]})" if found.get("value") else ""
    return ": ".join(part for part in (found["field"], found["code"]) if part) + value


def _on_one_line(text: str) -> str:
    """Return `text` with what could forge another line written out: a value is never a line."""
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in _UNSEEN else one
        for one in text
    )


def _columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes. Source: Unicode TR 11."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _versions(libraries: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in libraries.items())
