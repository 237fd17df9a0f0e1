"""A released model of films in a hospital, for tests of every door."""

from __future__ import annotations

from tests.bedside_site import Hospital
from tests.package.building_images import ImageRecipe

FILMS = "small-film"
REF = f"{FILMS}@1.0.0"


def release_films(hospital: Hospital, recipe: ImageRecipe | None = None) -> str:
    """Bring a package for films to release; return its `name@version`."""
    archive = (recipe or ImageRecipe()).archive(hospital.key)
    registry, people = hospital.site.registry, hospital.people
    record = registry.add(people["developer"].caller, archive)
    registry.verify(people["developer"].caller, record.ref)
    hospital.approve(record.ref)
    registry.release(people["operator"].caller, record.ref, "it is needed")
    return record.ref
