"""The laboratory for rows: the demonstration's model is trained, a package measured on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import Json, digest
from bedside.cli.inspection import tell_metrics
from bedside.cli.rows import read_rows
from bedside.cli.screen import Page, progress, show
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.lab.evaluating.classifying import Labelled
    from bedside.package.fields import TabularInput
    from bedside.package.manifest import Manifest
    from bedside.package.package import Package


def train_demonstration(out: Path, key: Path, seed: int, *, as_json: bool) -> None:
    """Train, measure and freeze the demonstration's model into a folder.

    Raises:
        UsageError: a library or the key is missing.
    """
    from bedside.freezing.libraries import check_libraries

    check_libraries()
    from bedside.lab.breast_cancer import train as train_model

    with progress("Training, measuring and freezing"):
        trained = train_model(out, key, seed)
    package, choice = trained.frozen.package, trained.threshold

    def tell(page: Page) -> None:
        page.line(f"{trained.package}: {package.manifest.ref}", style="bold")
        tell_metrics(page, trained.metrics)
        page.line(
            f"threshold {choice.value:g}, chosen for a sensitivity of {choice.target:.0%} on "
            f"{choice.positives} positive patients of the validation split"
        )
        page.line(f"held-out rows: {trained.held_out}; run record: {trained.run_record}")

    value: dict[str, Json] = {
        "package": str(trained.package),
        "ref": package.manifest.ref,
        "digest": package.digest,
        "held_out": str(trained.held_out),
        "run_record": str(trained.run_record),
        "threshold": {"value": choice.value, "target_sensitivity": choice.target},
        "metrics": [metric.model_dump(mode="json") for metric in trained.metrics],
    }
    show(value, tell, as_json=as_json)


def evaluate_rows(
    opened: Package,
    truth_in: tuple[Path, str],
    more: tuple[Sequence[str], Path | None],
    *,
    as_json: bool,
) -> None:
    """Measure a package on labelled rows, each run the whole way as when serving.

    Args:
        opened: The package.
        truth_in: The rows' file, and the column with the true answer.
        more: Columns to measure within; a folder for curves and tables, or None.
        as_json: Whether one JSON document is written.

    Raises:
        UsageError: it takes no rows, or a row has no usable label.
    """
    from bedside.freezing.libraries import check_libraries

    check_libraries()
    from bedside.lab.evaluating import classifying

    (data, _), (subgroups, out) = truth_in, more
    with progress(f"Evaluating {opened.manifest.ref} on {data.name}"):
        labelled = _answered(opened, truth_in, subgroups)
        metrics = classifying.all_metrics(labelled)
    about = _about(opened, data, labelled)
    value = about | {"metrics": [metric.model_dump(mode="json") for metric in metrics]}
    if out is not None:
        with progress("Drawing curves"):
            curves = classifying.all_curves(labelled)
            value["digest"] = classifying.write_classifier_report(about, metrics, curves, out)
        value["out"] = str(out)

    def tell(page: Page) -> None:
        page.line(f"{opened.manifest.ref} on {data.name}, {len(labelled.labels)} rows")
        tell_metrics(page, metrics)
        if out is not None:
            page.line(f"tables and curves: {out}")

    show(value, tell, as_json=as_json)


def _about(opened: Package, data: Path, labelled: Labelled) -> dict[str, Json]:
    """Return what was measured, on what."""
    patients = {"patients": len(set(labelled.patients))} if labelled.patients else {}
    return {
        "ref": opened.manifest.ref,
        "package": opened.digest,
        "data": digest(data.read_bytes()),
        "rows": len(labelled.labels),
        **patients,
    }


def _answered(opened: Package, truth_in: tuple[Path, str], subgroups: Sequence[str]) -> Labelled:
    """Return what the package answers to the rows of a file, beside what is true."""
    from bedside.lab.evaluating.classifying import Labelled
    from bedside.lab.evaluation import answers_to

    (data, label), manifest = truth_in, opened.manifest
    if manifest.input.kind == "image":
        from bedside.lab.datasets.manifest import open_dataset
        from bedside.lab.evaluating.pictured import FIELDS, picture_rows

        dataset = open_dataset(data)
        rows, fields = picture_rows(dataset), set(FIELDS)
        patients = tuple(case.patient for case in dataset.cases)
    else:
        table, patients = _table(manifest), ()
        rows = read_rows(str(data), table)
        beside = {label, *subgroups} - {field.name for field in table.fields}
        fields = {name for row in rows for name in row} - beside
    truth = [_true_answer(position, row, label, manifest) for position, row in enumerate(rows)]
    columns = {name: _column(rows, name) for name in subgroups}
    inputs = [{name: row[name] for name in row if name in fields} for row in rows]
    answers = answers_to(opened, inputs, truth)
    return Labelled(manifest.row_output, answers, tuple(truth), columns, patients)


def _column(rows: Sequence[dict[str, Json]], name: str) -> tuple[str, ...]:
    """Return a column as text; UsageError where a row has none."""
    for position, row in enumerate(rows):
        if row.get(name) is None:
            raise UsageError(
                f"Row {position} has no value in the column {name!r}.",
                advice=f"The columns are {', '.join(row)}.",
            )
    return tuple(str(row[name]) for row in rows)


def _table(manifest: Manifest) -> TabularInput:
    if manifest.input.kind == "tabular":
        return manifest.input
    raise UsageError(f"{manifest.ref} takes no rows of fields.")


def _true_answer(position: int, row: dict[str, Json], label: str, manifest: Manifest) -> Json:
    """Return the true answer of a row: a label as text, or a number.

    Raises:
        UsageError: it is not there, or no number where the model gives one.
    """
    found = row.get(label)
    if found is None:
        raise UsageError(
            f"Row {position} has no value in the column {label!r}.",
            advice=f"The columns are {', '.join(row)}.",
        )
    if manifest.postprocessing.kind != "number":
        return str(found)
    try:
        return float(found)
    except (TypeError, ValueError) as problem:
        raise UsageError(f"Row {position}: {label!r} is {found!r}, not a number.") from problem
