"""Trains a small network on drawn chest films. Writes weights, films to compare on, and a whole spec.

`python train.py --out run` takes about three minutes on two cores; `--films 200 --epochs 2` shows
in half a minute that it works. A demonstration: the network has never seen a patient.
"""

import argparse
from pathlib import Path

import torch
from learning import fit, scored
from net import OpacityNet
from stated import write_spec

from bedside.lab.evaluation import binary_metrics, metric_table
from bedside.lab.films.collection import Order, draw, pairs
from bedside.lab.films.files import film_dicom, film_png, write_films
from bedside.lab.films.film import make_film
from bedside.lab.threshold import threshold_for_sensitivity

SENSITIVITY = 0.9
"""Stated before training: of ten drawn opacities at most one may be missed, on validation."""


def main() -> None:
    """Draw three splits of invented patients; train, choose the threshold, measure, write."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--films", type=int, default=1000, help="for training, in pairs")
    asked.add_argument("--epochs", type=int, default=12, help="at most")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--workers", type=int, default=2)
    given = asked.parse_args()
    few = max(40, given.films // 5)
    splits = {
        "training": pairs(range(given.films // 2)),
        "validation": tuple(Order(10_000 + patient) for patient in range(few)),
        "test": tuple(Order(20_000 + patient) for patient in range(few)),
    }
    films = draw(splits, workers=given.workers)
    torch.manual_seed(given.seed)
    net = OpacityNet()
    fit(net, films["training"], films["validation"], given.epochs)
    validation, test = films["validation"], films["test"]
    choice = threshold_for_sensitivity(validation.opacity, scored(net, validation), SENSITIVITY)
    metrics = binary_metrics(test.opacity, scored(net, test), choice.value, seed=given.seed)
    print(f"threshold {choice.value:g}\n{metric_table(metrics)}")
    given.out.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), given.out / "opacity.pth")
    write_films(given.out / "films", splits["training"][:48])
    asked_about = make_film(30_000, opacity=True)  # a patient of no split, to ask about
    (given.out / "film.png").write_bytes(film_png(asked_about))
    (given.out / "film.dcm").write_bytes(film_dicom(asked_about))
    write_spec(given.out / "spec.toml", films, choice, metrics, given.seed)


if __name__ == "__main__":
    main()
