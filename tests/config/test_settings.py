"""Settings: where they come from, in which order, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kehu.config.errors import SettingsError
from kehu.config.settings import Portfolio, Settings, load_settings, mask_url


def load(cwd: Path, **stated: Any) -> Settings:
    environ = stated.pop("environ", {})
    asked: dict[str, Any] = {"project": None, "home": None, "warehouse": None} | stated
    return load_settings(**asked, environ=environ, cwd=cwd)


def project_with(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kehu.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == Settings(project=None, home=tmp_path / "var")
    assert settings.portfolio == Portfolio("default", None, "Asia/Shanghai", 1)
    assert (settings.policy_dir, settings.sources_dir, settings.corrections_dir) == (None, None, None)
    assert settings.warehouse_dir == tmp_path / "var" / "warehouse"
    assert (settings.language, settings.kept_versions, settings.required_marts) == ("en", 3, ())


def test_every_key_of_the_file_is_read(tmp_path: Path) -> None:
    text = """
home = "data/kehu"
warehouse = "duckdb:///wh"
language = "zh"
memory_limit = "4GB"
threads = 2
required_marts = ["mart_abc_customer"]
kept_versions = 5
[portfolio]
name = "华东"
reporting_currency = "CNY"
timezone = "Europe/London"
fiscal_year_start_month = 4
"""
    project = project_with(tmp_path / "p", text)
    settings = load(tmp_path, project=project)
    assert settings == Settings(
        project=project,
        home=project / "data/kehu",
        warehouse_url=f"duckdb:///{project}/wh",
        portfolio=Portfolio("华东", "CNY", "Europe/London", 4),
        language="zh",
        memory_limit="4GB",
        threads=2,
        required_marts=("mart_abc_customer",),
        kept_versions=5,
    )
    assert settings.policy_dir == project / "policy"
    assert settings.warehouse_dir == project / "wh"


def test_the_project_is_the_argument_then_the_environment_then_the_current_folder(tmp_path: Path) -> None:
    one, two, three = (project_with(tmp_path / name, "") for name in ("one", "two", "three"))
    environ = {"KEHU_PROJECT": "two"}
    assert load(three, project=one, environ={"KEHU_PROJECT": str(two)}).project == one
    assert load(tmp_path, environ=environ).project == two
    assert load(three).project == three
    assert load(tmp_path).project is None


def test_a_project_that_is_none_is_refused(tmp_path: Path) -> None:
    for stated in ({"project": tmp_path / "x"}, {"environ": {"KEHU_PROJECT": "x"}}):
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, **stated)
        assert (caught.value.code, caught.value.exit_code) == ("project_not_found", 10)
        assert caught.value.hint is not None and caught.value.hint.startswith("kehu init ")


def test_the_home_is_the_argument_then_the_environment_then_the_file_then_var(tmp_path: Path) -> None:
    project = project_with(tmp_path / "p", 'home = "from_file"\n')
    environ = {"KEHU_HOME": "from_environment", "HOME": "/users/li"}
    assert load(tmp_path, project=project, home=Path("given"), environ=environ).home == tmp_path / "given"
    assert load(tmp_path, project=project, environ=environ).home == tmp_path / "from_environment"
    assert load(tmp_path, project=project).home == project / "from_file"
    assert load(tmp_path, project=project_with(tmp_path / "q", "")).home == tmp_path / "q" / "var"
    assert load(tmp_path, environ={"KEHU_HOME": "~/kehu", "HOME": "/users/li"}).home == Path("/users/li/kehu")


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("duckdb:///wh", "wh"),
        ("duckdb:////srv/kehu/wh", "/srv/kehu/wh"),
        ("duckdb:////srv/kehu/kehu.duckdb", "/srv/kehu"),
        ("duckdb:////srv/with%20blank", "/srv/with blank"),
    ],
)
def test_a_duckdb_url_names_a_folder_or_the_link_in_it(tmp_path: Path, url: str, folder: str) -> None:
    assert load(tmp_path, warehouse=url).warehouse_dir == tmp_path / folder
    assert load(tmp_path, environ={"KEHU_WAREHOUSE": url}).warehouse_dir == tmp_path / folder


@pytest.mark.parametrize("url", ["duckdb://", "duckdb:///", "duckdb:///:memory:", "duckdb://host/x", "duckdb:///x?a=1"])
def test_a_duckdb_url_without_a_folder_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, warehouse=url)
    assert caught.value.code == "value_malformed"


@pytest.mark.parametrize("url", ["postgresql://host/db", "sqlite:///x.db", "wh", "/srv/wh"])
def test_other_warehouses_are_not_there_yet(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, warehouse=url)
    assert caught.value.code == "warehouse_not_supported"


@pytest.mark.parametrize("url", ["postgresql://li:secret@host/db", "postgresql://host/db?user=li&password=secret"])
def test_a_password_is_refused_on_the_command_line_and_in_the_file_and_never_shown(tmp_path: Path, url: str) -> None:
    project = project_with(tmp_path / "p", f'\nwarehouse = "{url}"\n')
    for stated in ({"warehouse": url}, {"environ": {"KEHU_WAREHOUSE": url}}, {"project": project}):
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, **stated)
        assert "secret" not in "\n".join(caught.value.lines()) + str(caught.value.facts)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("duckdb:///var/wh", "duckdb:///var/wh"),
        ("postgresql://li@host/db", "postgresql://li@host/db"),
        ("postgresql+psycopg://li:secret@host:5432/db", "postgresql+psycopg://li:***@host:5432/db"),
        ("postgresql://li:se:cr@et@host/db", "postgresql://li:***@host/db"),
        ("postgresql://li:se/c?r#et@host/db", "postgresql://li:***@host/db"),
        ("postgresql://:secret@host/db", "postgresql://:***@host/db"),
        ("postgresql://host/db?Password=secret&sslmode=require", "postgresql://host/db?Password=***&sslmode=require"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@pytest.mark.parametrize(
    ("text", "code", "line", "setting"),
    [
        ('# here\nhmoe = "x"\n', "unknown_key", 2, "hmoe"),
        ('[portfolio]\nname = "x"\ncurrency = "CNY"\n', "unknown_key", 3, "portfolio.currency"),
        ('timezone = "Asia/Shanghai"\n', "unknown_key", 1, "timezone"),
        ('[portfolios]\nname = "x"\n', "unknown_key", 1, "portfolios"),
        ('language = "en"\n\nportfolio = "x"\n', "value_malformed", 3, "portfolio"),
        ("home = 3\n", "value_malformed", 1, "home"),
        ('home = ""\n', "value_malformed", 1, "home"),
        ('language = "de"\n', "value_malformed", 1, "language"),
        ("threads = 0\n", "value_malformed", 1, "threads"),
        ("threads = true\n", "value_malformed", 1, "threads"),
        ('threads = "2"\n', "value_malformed", 1, "threads"),
        ('memory_limit = "much"\n', "value_malformed", 1, "memory_limit"),
        ("kept_versions = 0\n", "value_malformed", 1, "kept_versions"),
        ('required_marts = "x"\n', "value_malformed", 1, "required_marts"),
        ('[portfolio]\nreporting_currency = "yuan"\n', "value_malformed", 2, "portfolio.reporting_currency"),
        ('[portfolio]\ntimezone = "Asia/Shangai"\n', "value_malformed", 2, "portfolio.timezone"),
        ("[portfolio]\nfiscal_year_start_month = 13\n", "value_malformed", 2, "portfolio.fiscal_year_start_month"),
        ('language = "en"\nhome = \n', "toml_malformed", 2, None),
        ('warehouse = "mysql://x"\n', "warehouse_not_supported", 1, "warehouse"),
    ],
)
def test_a_malformed_file_is_refused_with_file_line_and_key(
    tmp_path: Path, text: str, code: str, line: int, setting: str | None
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(project_with(tmp_path, text))
    error = caught.value
    assert (error.code, error.file, error.line, error.setting) == (code, "kehu.toml", line, setting)


def test_a_time_zone_nearly_right_is_offered(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(project_with(tmp_path, '[portfolio]\ntimezone = "Asia/Shangai"\n'))
    assert caught.value.hint is not None and "Asia/Shanghai" in caught.value.hint


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kehu.toml").write_bytes('[portfolio]\nname = "华东"\n'.encode("gb18030"))
    with pytest.raises(SettingsError) as caught:
        load(tmp_path)
    assert caught.value.code == "wrong_encoding"
