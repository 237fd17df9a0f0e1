"""Bodies that somebody broke: never a fault of ours, never more memory than a body's own."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tritonclient.http import InferenceServerClient

from bedside.api.app import create_app
from bedside.ledger.events import EventKind
from tests import bedside_site
from tests.api.client import Client, client_of
from tests.api.open_inference.tensors import COLUMNS, LENGTH, inputs_of
from tests.bedside_site import MODEL, Hospital
from tests.package.building_images import BRIGHT, film
from tests.serving.films import FILMS, release_films

FILES = {"image": np.array([BRIGHT, b""], dtype=np.object_)[:1]}
WHOLE: dict[str, tuple[bytes, int]] = {
    MODEL: InferenceServerClient.generate_request_body(inputs_of(COLUMNS)),
    FILMS: InferenceServerClient.generate_request_body(inputs_of({"pixels": film(170.0)})),
    f"{FILMS}/versions/1.0.0": InferenceServerClient.generate_request_body(inputs_of(FILES)),
}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        built = bedside_site.build(tmp_path_factory.mktemp("hostile") / "site")
        built.release()
        release_films(built)
        with built.site:
            yield built


@pytest.fixture(scope="module")
def client(hospital: Hospital) -> Iterator[Client]:
    with client_of(create_app(hospital.site)) as opened:
        yield opened


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, bytes, str]:
    """A model's address, a body with some bytes changed, cut or put in, and a length of its JSON."""
    model = draw(st.sampled_from(sorted(WHOLE)))
    body, length = WHOLE[model]
    data = bytearray(body)
    for _ in range(draw(st.integers(0, 4))):
        # most changes in the JSON and just behind it, where the framing is
        place = draw(st.integers(0, min(len(data), length + 64)))
        match draw(st.integers(0, 3)):
            case 0:
                data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                data[place:place] = draw(st.binary(max_size=8))
            case 2:
                del data[place : place + draw(st.integers(1, 12))]
            case _:
                del data[draw(st.integers(0, len(data))) :]
    said = length + draw(st.sampled_from([0, 0, 0, 0, 1, -1, len(data) - len(body)]))
    return model, bytes(data), str(max(said, 0))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=broken())
def test_a_broken_body_is_answered_or_refused_and_never_a_fault(
    client: Client, hospital: Hospital, sent: tuple[str, bytes, str]
) -> None:
    model, data, length = sent
    headers = hospital["clinician"].headers | {LENGTH: length}
    before = hospital.site.ledger.head().size
    answer = client.post(f"/v2/models/{model}/infer", content=data, headers=headers)
    assert answer.status_code in (200, 400, 404, 409, 413, 422), answer.text
    grown = hospital.site.ledger.head().size - before
    if answer.status_code == 200:
        assert grown == (3 if model == MODEL else 1)
    elif answer.status_code == 422:
        assert grown > 0  # a refusal of the gate, which is recorded
    else:
        assert set(answer.json()) == {"error", "problem"}
        assert grown == 0


def test_an_unbroken_one_is_answered(client: Client, hospital: Hospital) -> None:
    for model, (data, length) in WHOLE.items():
        headers = hospital["clinician"].headers | {LENGTH: str(length)}
        answer = client.post(f"/v2/models/{model}/infer", content=data, headers=headers)
        assert answer.status_code == 200, answer.text
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION, limit=1)


@pytest.mark.parametrize("model", [MODEL, FILMS])
def test_a_body_of_the_largest_size_takes_a_few_times_its_own(
    client: Client, hospital: Hospital, model: str
) -> None:
    size = hospital.site.settings.limits.body_bytes
    text = b'{"inputs":[{"name":"radius","datatype":"FP64","shape":[%d],"data":[%s]}]}'
    numbers = (size - 200) // 2
    body = text % (numbers, b",".join([b"1"] * numbers))
    headers = hospital["clinician"].headers
    tracemalloc.start()
    try:
        answer = client.post(f"/v2/models/{model}/infer", content=body, headers=headers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_code in (400, 413)
    assert peak < 20 * size
