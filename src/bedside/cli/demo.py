"""`bedside demo`: a real model goes the whole way, from its data to a traced prediction."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.cli import demo_site
from bedside.cli.demo_server import HOST, Client, ended, refuse_taken_port, serving
from bedside.cli.demo_site import CLINICIAN, FOLDER, HELD_OUT, KEEPER, MODEL, OPERATOR
from bedside.cli.demo_story import Story
from bedside.cli.door import open_site
from bedside.cli.options import JsonOption
from bedside.cli.screen import Page, probability, program, write_json
from bedside.errors import Unavailable

SHOWN_PATIENTS = 6
"""Patients in the table; the summary counts all of them."""

MOST_FIELDS = 5
"""Fields shown of an explanation; the answer itself has all of them."""

PATIENT = "patient.json"


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Do it all, stop the service, and leave.")
    ] = False,
    site: Annotated[Path, typer.Option("--site", help="The demo's site; made if need be.")] = Path(
        "demo-site"
    ),
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port of the service.")
    ] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Train, freeze, verify, approve, release, serve and trace a real model; a second run goes on."""
    refuse_taken_port(port)
    story = Story(None if as_json else Page())
    secret = _prepare(site, story)
    log = site / FOLDER / "service.log"
    with ExitStack() as stack:
        with story.step(f"The service starts on http://{HOST}:{port}"):
            process = stack.enter_context(serving(site, port, log))
            story.line(f"ready: process {process.pid}; its log is {log}")
        _at_the_bedside(site, Client(port, secret), story)
        _tell_addresses(site, port, secret, story, once=once)
        if as_json:
            write_json(story.facts)
        if not once:
            _serve_on(process, log, story)
    story.end(
        lambda page: page.heading("The service has stopped. The site stays; run it again to go on.")
    )


def _prepare(folder: Path, story: Story) -> str:
    """Bring the site to a released model; return a new API key of the demo clinician."""
    found = demo_site.is_ready(folder)
    if not found:
        demo_site.make(folder, story)
    with open_site(folder) as site:
        if found:
            with story.step(f"Found the site of an earlier run in {folder}; going on"):
                story.line(f"{site.settings.name}, {site.ledger.head().size} ledger entries")
        demo_site.bring_to_release(site, story)
        secret, revoked = demo_site.issue_clinician_key(site)
    with story.step(f"{CLINICIAN} gets an API key for this run"):
        story.line("a new one; it is shown below and kept nowhere")
        if revoked:
            story.line(f"the key of an earlier run was taken back ({revoked})")
    story.facts |= {"site": str(folder), "found_earlier_run": found, "api_key": secret}
    return secret


def _at_the_bedside(folder: Path, client: Client, story: Story) -> None:
    """Predict for the held-out patients, be refused once, decide, trace, verify."""
    patients = read_json((folder / FOLDER / HELD_OUT).read_bytes())
    answers = _predict(client, patients, story)
    _be_refused(client, patients[0]["input"], story)
    position = next(
        (i for i, answer in enumerate(answers) if answer["label"] != patients[i]["label"]), 0
    )
    chosen, truth = answers[position], patients[position]["label"]
    _explain(client, patients[position]["input"], story)
    _decide(client, chosen, truth, story)
    _trace(client, chosen["id"], story)
    with story.step("The ledger proves that nothing was changed, added or taken out"):
        with open_site(folder) as site:
            verdict = site.ledger.verify()
        story.line(f"{verdict.entries} entries, {verdict.checkpoints} signed checkpoints")
        story.line(f"root {verdict.head.root.hex()}")
    story.facts["ledger"] = {"entries": verdict.entries, "root": verdict.head.root.hex()}
    body = {"input": patients[0]["input"], "subject": "demo-patient-1"}
    (folder / FOLDER / PATIENT).write_bytes(canonical_bytes(body) + b"\n")


def _predict(client: Client, patients: list[Json], story: Story) -> list[Json]:
    """Return the answers, one for each patient, asked for one by one over HTTP."""
    with story.step(f"{len(patients)} held-out patients, one request each, over HTTP"):
        answers = []
        for number, patient in enumerate(patients, start=1):
            body = {"input": patient["input"], "subject": f"demo-patient-{number}"}
            status, answer = client.post(f"/v1/models/{MODEL}/predict", body)
            answers.append(_expected(200, status, answer))
        story.tell(lambda page: _tell_patients(page, patients, answers))
        counts = _counts(patients, answers)
        story.line(
            f"malignant shown for {counts['malignant_found']} of {counts['malignant']} malignant "
            f"masses; benign for {counts['benign_found']} of {counts['benign']} benign ones"
        )
    story.facts["predictions"] = counts
    return answers


def _tell_patients(page: Page, patients: list[Json], answers: list[Json]) -> None:
    pairs = list(zip(patients, answers, strict=True))[:SHOWN_PATIENTS]
    rows = [
        (
            str(number),
            answer["label"],
            probability(answer["scores"]["malignant"]),
            patient["label"],
            answer["id"],
        )
        for number, (patient, answer) in enumerate(pairs, start=1)
    ]
    page.table(("patient", "shown", "probability malignant", "truth", "prediction"), rows)
    page.line(f"   … and {len(answers) - len(pairs)} more")


def _counts(patients: list[Json], answers: list[Json]) -> dict[str, Json]:
    counts: dict[str, Json] = {"sent": len(patients)}
    for label in ("malignant", "benign"):
        shown = [a["label"] for p, a in zip(patients, answers, strict=True) if p["label"] == label]
        counts |= {label: len(shown), f"{label}_found": shown.count(label)}
    return counts


def _be_refused(client: Client, row: dict[str, Json], story: Story) -> None:
    with story.step("The gate refuses what the model was never meant to see"):
        body = {"input": row | {"mean radius": 9999.0, "shoe size": 42}}
        status, answer = client.post(f"/v1/models/{MODEL}/predict", body)
        refused = _expected(422, status, answer)
        for refusal in refused["refusals"]:
            story.line(
                f"{refusal['field']}: {refusal['code']}: got {refusal['value']}; "
                f"allowed: {refusal['allowed']}"
            )
        story.line(refused["advice"])
    story.facts["refused"] = refused["refusals"]


def _explain(client: Client, row: dict[str, Json], story: Story) -> None:
    """Ask for the answer to one patient again, with what each field added to it."""
    with story.step("Why? What each field added, against a row of the training data's medians"):
        status, answer = client.post(f"/v1/models/{MODEL}/predict", {"input": row, "explain": True})
        if status == 400:  # the site of an earlier Bedside, whose package declares no explanation
            story.line("this site's package declares no explanation")
            return
        why = _expected(200, status, answer)["explanation"]
        for one in why["contributions"][:MOST_FIELDS]:
            story.line(f"{one['contribution']:+8.2f}  {one['field']}")
        story.line(f"from {why['base']:.2f} to {why['total']:.2f}, {why['scale']} of {why['of']}")
    story.facts["explanation"] = {name: why[name] for name in ("base", "total", "scale", "of")}


def _decide(client: Client, answer: dict[str, Json], truth: str, story: Story) -> None:
    agree = answer["label"] == truth
    decision = {
        "verdict": "agree" if agree else "corrected",
        "label": None if agree else truth,
        "reason": f"Histology says {truth}.",
    }
    with story.step(f"{CLINICIAN} records a decision"):
        status, recorded = client.post(f"/v1/predictions/{answer['id']}/decision", decision)
        _expected(201, status, recorded)
        story.line(f"shown: {answer['label']}; decided: {decision['verdict']}, {truth}")
        story.line(f"“{decision['reason']}”")
    story.facts["decision"] = {"prediction": answer["id"], **decision}


def _trace(client: Client, prediction: str, story: Story) -> None:
    with story.step("Which model, trained by whom, on what, said this? The trace"):
        status, text = client.get(f"/v1/predictions/{prediction}/trace", "text/plain")
        _expected(200, status, text)
        for line in text.splitlines():
            story.line(line)


def _expected(wanted: int, status: int, answer: Json) -> Json:
    """Return `answer`, once its status is the one that the story needs.

    Raises:
        Unavailable: it is another.
    """
    if status != wanted:
        raise Unavailable(f"The service answered {status}: {json.dumps(answer)[:500]}")
    return answer


def _tell_addresses(site: Path, port: int, secret: str, story: Story, *, once: bool) -> None:
    address = f"http://{HOST}:{port}"
    story.facts |= {"address": address, "seconds": round(story.seconds(), 1)}
    seconds = story.seconds()

    def tell(page: Page) -> None:
        if once:
            page.heading(f"All of it took {seconds:.0f} s. Without --once the service goes on.")
            return
        page.heading(f"All of it took {seconds:.0f} s. Now open")
        page.pairs(
            [
                ("documentation, forms", f"{address}/docs"),
                ("health", f"{address}/healthz and {address}/readyz"),
                ("metrics", f"{address}/metrics (with an operator's key)"),
                (f"{CLINICIAN}'s API key", secret),
            ],
            indent=2,
        )
        page.heading("Ask it yourself")
        page.line(
            f"  curl {address}/v1/models/{MODEL}/predict -H 'Authorization: Bearer {secret}' "
            f"-H 'Content-Type: application/json' -d @{quote(str(site / FOLDER / PATIENT))}"
        )
        page.line(
            f"  {program()} people key '{OPERATOR}' --site {quote(str(site))} --key-file "
            f"{quote(str(site / FOLDER / KEEPER))}"
        )

    story.end(tell)


def _serve_on(process: subprocess.Popen[bytes], log: Path, story: Story) -> None:
    """Wait for Ctrl-C, which is how a demonstration ends.

    Raises:
        Unavailable: the service ended by itself.
    """
    story.end(lambda page: page.heading("The service goes on until Ctrl-C."))
    try:
        process.wait()
    except KeyboardInterrupt:
        return
    raise ended(process, log)
