"""Predictions about pictures: the same handler, and a ledger that never holds a pixel."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
from dataclasses import replace

import pytest

from bedside.canonical import Json
from bedside.errors import InputRefused, LimitExceeded, UsageError
from bedside.ledger.events import EventKind
from bedside.runtime.explained import PictureExplained
from bedside.serving.trace import verify_trace
from bedside.serving.values import Prediction, Row
from tests.bedside_site import MODEL, Hospital
from tests.bedside_site import ROW as FIELDS
from tests.package.building_images import (
    BRIGHT,
    DARK,
    ROW,
    SOP_INSTANCE,
    STATED,
    ImageRecipe,
    dicom,
    expected_probability,
    film,
    png,
    row,
)
from tests.serving.films import FILMS, REF, release_films

DIGEST = "sha256:" + hashlib.sha256(BRIGHT).hexdigest()


@pytest.fixture
def films(hospital: Hospital) -> Hospital:
    """The hospital in which a model of films is released too."""
    release_films(hospital)
    return hospital


def predicted(hospital: Hospital, *rows: Row, explain: bool = False) -> tuple[Prediction, ...]:
    caller = hospital["clinician"].caller
    return hospital.site.serving.predict_now(caller, FILMS, rows or (Row(ROW),), explain=explain)


def opened(hospital: Hospital, index: int) -> dict[str, Json]:
    found = hospital.site.ledger.opened(hospital.site.ledger.entry(index))
    assert isinstance(found, dict)
    return found


def test_a_film_gets_the_probability_computed_by_hand(films: Hospital) -> None:
    (one,) = predicted(films)
    assert one.label == "opacity"
    assert one.scores["opacity"] == pytest.approx(expected_probability(film(170.0)), abs=1e-4)
    assert one.picture is not None
    assert (one.picture.medium, one.picture.rows, one.picture.modality) == ("png", 64, "DX")


def test_with_and_without_an_event_loop_the_answer_is_the_same(films: Hospital) -> None:
    (now,) = predicted(films)
    caller = films["clinician"].caller
    (later,) = asyncio.run(films.site.serving.predict(caller, FILMS, [Row(ROW)]))
    assert (now.label, now.scores, now.picture) == (later.label, later.scores, later.picture)


def test_pictures_are_computed_in_threads_of_their_own(
    films: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    attempt = films.site.serving._attempt

    def noting(request: object) -> object:
        names.append(threading.current_thread().name)
        return attempt(request)  # type: ignore[arg-type]

    monkeypatch.setattr(films.site.serving, "_attempt", noting)
    caller = films["clinician"].caller
    asyncio.run(films.site.serving.predict(caller, FILMS, [Row(ROW)]))
    asyncio.run(films.site.serving.predict(caller, MODEL, [Row(FIELDS)] * 2))
    asyncio.run(films.site.serving.predict(caller, FILMS, [Row(ROW)], explain=True))
    assert names[0].startswith("bedside-pictures")
    assert names[1] == "MainThread"
    assert names[2].startswith("bedside-explanations")


@pytest.mark.parametrize("view", ["pa", "\ud800", "PA\n  threshold    0.99", "A" * 17, "PA\u2028"])
def test_a_view_that_is_no_code_is_refused_and_that_is_recorded(films: Hospital, view: str) -> None:
    with pytest.raises(InputRefused) as refused:
        predicted(films, Row(ROW | {"view": view}))
    assert [(one.field, one.code) for one in refused.value.refusals] == [("view", "wrong-type")]
    (entry,) = films.site.ledger.find(kind=EventKind.REFUSAL, about=REF)
    assert json.loads(opened(films, entry.index)["input"])["view"] == view


def test_the_ledger_names_the_picture_and_does_not_hold_it(films: Hospital) -> None:
    (one,) = predicted(films, Row(ROW, "patient-7"))
    entry = films.site.ledger.entry(one.index)
    personal = opened(films, one.index)
    assert json.loads(personal["input"]) == {
        "image": {"digest": DIGEST, "bytes": len(BRIGHT)},
        **STATED,
    }
    assert personal["picture"] == {
        "medium": "png",
        "rows": 64,
        "columns": 64,
        "modality": "DX",
        "body_part": "CHEST",
        "view": "PA",
        "laterality": None,
        "sop_instance": None,
        "series": None,
        "study": None,
        "bits": 8,
        "syntax": personal["picture"]["syntax"],
    }
    assert personal["subject"] == "patient-7"
    assert personal["scores"] == one.scores
    assert len(entry.event) < 3000
    assert ROW["image"][:40] not in json.dumps(personal)
    assert DIGEST.encode() not in entry.event


def test_the_keyed_digest_speaks_for_the_file_and_what_was_stated(films: Hospital) -> None:
    pictures = [ROW, ROW, ROW | {"view": "AP"}, row(DARK, **STATED)]
    answers = predicted(films, *(Row(each, "patient-7") for each in pictures))
    digests = [films.site.ledger.entry(one.index).value["body"]["input"] for one in answers]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_flags_stand_by_code_in_the_clear_and_whole_under_the_key(films: Hospital) -> None:
    (one,) = predicted(films, Row(row(BRIGHT, modality="DX")))
    body = films.site.ledger.entry(one.index).value["body"]
    assert [flag.code for flag in one.flags] == body["flags"] == ["body-part-unstated"]
    (kept,) = opened(films, one.index)["flags"]
    assert kept["code"] == "body-part-unstated"
    assert kept["detail"]


def test_an_answer_without_flags_has_none_in_the_ledger(films: Hospital) -> None:
    (one,) = predicted(films)
    assert not {"flags", "explained"} & set(films.site.ledger.entry(one.index).value["body"])
    assert not {"flags", "explanation"} & set(opened(films, one.index))


def test_an_explanation_that_was_shown_is_named_by_its_digest(films: Hospital) -> None:
    (one,) = predicted(films, explain=True)
    assert isinstance(one.explanation, PictureExplained)
    assert one.explanation.png.startswith(b"\x89PNG")
    assert films.site.ledger.entry(one.index).value["body"]["explained"] is True
    kept = opened(films, one.index)["explanation"]
    digest = "sha256:" + hashlib.sha256(one.explanation.png).hexdigest()
    assert kept["png"] == {"digest": digest, "bytes": len(one.explanation.png)}
    assert kept["of"] == "opacity"


def test_an_explanation_that_no_model_declares_is_not_made_up(hospital: Hospital) -> None:
    release_films(hospital, replace(ImageRecipe(), explanation=None))
    with pytest.raises(UsageError, match="declares no explanation"):
        predicted(hospital, explain=True)


SENT = base64.b64encode(b"no picture at all " * 30).decode()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"image": SENT}, "not-a-picture"),
        ({"image": "no base64 " * 60}, "wrong-type"),
        ({"imgae": SENT}, "unknown-field"),
        ({"image": base64.b64encode(BRIGHT).decode(), "body_part": "TIBIA"}, "out-of-domain"),
    ],
)
def test_a_refused_picture_is_recorded_without_it(
    films: Hospital, sent: dict[str, Json], code: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        predicted(films, Row(sent, "patient-7"))
    assert code in {one.code for one in refused.value.refusals}
    (entry,) = films.site.ledger.find(kind=EventKind.REFUSAL, about=REF)
    assert code in {one["code"] for one in entry.value["body"]["refusals"]}
    personal = opened(films, entry.index)
    assert personal["subject"] == "patient-7"
    assert all(
        str(value)[:201] not in json.dumps(personal)
        for value in sent.values()
        if len(str(value)) > 200
    )
    assert "sha256:" in personal["input"]
    assert len(entry.event) < 4000


def test_a_refused_film_is_named_as_its_archive_names_it(films: Hospital) -> None:
    tibia = dicom(film(60.0), BodyPartExamined="TIBIA")
    with pytest.raises(InputRefused):
        predicted(films, Row(row(tibia)))
    (entry,) = films.site.ledger.find(kind=EventKind.REFUSAL, about=REF)
    personal = opened(films, entry.index)
    assert personal["picture"] == {"sop_instance": SOP_INSTANCE}
    assert json.loads(personal["input"])["image"]["bytes"] == len(tibia)
    assert SOP_INSTANCE.encode() not in entry.event


def test_a_film_is_named_as_its_archive_names_it(films: Hospital) -> None:
    (one,) = predicted(films, Row(row(dicom(film(170.0)))))
    assert opened(films, one.index)["picture"]["sop_instance"] == SOP_INSTANCE
    assert SOP_INSTANCE in films.site.serving.trace(films["clinician"].caller, one.id).text()


def test_more_pictures_than_are_read_at_once_are_refused(films: Hospital) -> None:
    with pytest.raises(LimitExceeded):
        predicted(films, *[Row(ROW)] * 17)


def test_a_trace_tells_the_picture_and_where_it_is(films: Hospital) -> None:
    sent = row(BRIGHT, modality="DX", view="PA")
    (one,) = predicted(films, Row(sent, "patient-7"), explain=True)
    trace = films.site.serving.trace(films["clinician"].caller, one.id)
    assert verify_trace(json.loads(json.dumps(trace.document())), films.site.ledger.public_key)
    for language, words in (
        ("en", ("kept in the archive that it came from", "which part of the body", "heat map for")),
        ("ja", ("画像そのものはここにはなく", "撮影部位が示されていません", "ヒートマップ")),
    ):
        text = trace.text("ja" if language == "ja" else "en")
        for word in (*words, DIGEST, f"{len(BRIGHT)} bytes", "64 × 64", "DX", "PA"):
            assert word in text, text


def test_after_erasure_a_trace_still_tells_the_flags_and_nothing_of_the_picture(
    films: Hospital,
) -> None:
    (one,) = predicted(films, Row(row(BRIGHT), "patient-7"), explain=True)
    films.site.subject_keys.destroy(films.site.ledger.entry(one.index).value["sealed"]["key"])
    text = films.site.serving.trace(films["clinician"].caller, one.id).text()
    assert "which part of the body" in text
    assert DIGEST not in text
    assert "64 × 64" not in text


def test_the_event_of_a_row_of_fields_is_what_it_was(films: Hospital) -> None:
    (one,) = films.site.serving.predict_now(films["clinician"].caller, MODEL, [Row(FIELDS)])
    assert set(opened(films, one.index)) == {"subject", "input", "scores", "raw"}
    assert set(films.site.ledger.entry(one.index).value["body"]) == {
        *("model", "version", "package", "epoch", "input", "row", "rows", "latency_us"),
        *("verdict", "label", "threshold"),
    }


def test_a_picture_of_another_shape_is_answered_alike(films: Hospital) -> None:
    (one,) = predicted(films, Row(row(png(film(170.0, side=128)), **STATED)))
    assert one.label == "opacity"
