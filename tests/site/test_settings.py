from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.clock import new_id
from bedside.errors import SiteProblem
from bedside.site.proxy_settings import ProxySettings
from bedside.site.settings import DatabaseSettings, Limits, Settings, read_settings, write_settings

CREATED = "2026-11-21T08:00:00.000000Z"


def settings(name: str = "Ward 7", **parts: object) -> Settings:
    return Settings.model_validate({"id": new_id(), "name": name, "created": CREATED, **parts})


@given(name=st.text(min_size=1, max_size=100).filter(lambda text: max(text) < "\ud800"))
def test_what_is_written_is_read_again(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"postgresql://{name}@host/x"
    proxy = ProxySettings(trusted=("10.0.0.0/8", "fd00::1"), header="forwarded", tls=True)
    parts = {"database": DatabaseSettings(url=url), "limits": Limits(rows=3), "proxy": proxy}
    written = settings(name, **parts)
    path = tmp_path_factory.getbasetemp() / "site.toml"
    path.write_text(write_settings(written), encoding="utf-8", newline="\n")
    assert read_settings(path) == written


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[limits]", "[limits]\nrows_per_day = 3"), "limits.rows_per_day"),
        (("rows = 1000", 'rows = "many"'), "limits.rows"),
        (("rows = 1000", "rows = 0"), "limits.rows"),
        (('name = "Ward 7"', ""), "name: Field required"),
        (("[limits]", "[limits"), "is not TOML"),
        (("[limits]", '[proxy]\ntrusted = ["10.0.0.1/8"]\n[limits]'), "proxy.trusted"),
        (("key_burst = 30000", "key_burst = 0"), "limits.key_burst"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "site.toml"
    text = write_settings(settings())
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(SiteProblem) as problem:
        read_settings(path)
    assert said in problem.value.message
    assert problem.value.advice


def test_without_settings_there_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(SiteProblem, match="There is no site"):
        read_settings(tmp_path / "site.toml")


def test_a_settings_file_is_a_page_and_not_a_book(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("#" * 70_000)
    with pytest.raises(SiteProblem, match="70000 bytes"):
        read_settings(path)
