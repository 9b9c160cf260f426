"""Settings: where things are. What is computed is policy; how exports look is a source mapping.

May import: `config.errors`, `config.yaml_nodes`. Everything comes in as arguments (`environ`, `cwd`): nothing here
reads the environment, the clock or the current folder by itself.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

from kehu.config.errors import SettingsError
from kehu.config.yaml_nodes import did_you_mean

PROJECT_FILE = "kehu.toml"
"""A folder with this file is a project."""

Language = Literal["zh", "en"]

_KEYS = ("home", "warehouse", "language", "memory_limit", "threads", "required_marts", "kept_versions", "portfolio")
_PORTFOLIO_KEYS = ("name", "reporting_currency", "timezone", "fiscal_year_start_month")
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?\s*([KMGT]i?)?B", re.IGNORECASE)
_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"' -]+?)\s*\]\s*(#.*)?")
_PASSWORD_BEFORE_HOST = re.compile(r"(//[^/@:?#]*):.*@")
_PASSWORD_PARAMETER = re.compile(
    r"([?&](?:password|passwd|pwd|token|motherduck_token|secret|sslpassword)=)[^&#]*", re.IGNORECASE
)


@dataclass(frozen=True)
class Portfolio:
    """Whose customers a warehouse holds. Another portfolio is refused by a warehouse that holds one already.

    Attributes:
        name: its name.
        reporting_currency: ISO 4217 code of all marts; None = fixed by the first source that is run.
        timezone: time zone of the business day.
        fiscal_year_start_month: 1 to 12.
    """

    name: str = "default"
    reporting_currency: str | None = None
    timezone: str = "Asia/Shanghai"
    fiscal_year_start_month: int = 1


@dataclass(frozen=True)
class Settings:
    """Where everything is, and how much of the machine may be used.

    Attributes:
        project: the project folder, absolute; None without one.
        home: folder of landed files, warehouse, sandboxes and scratch files, absolute.
        warehouse_url: SQLAlchemy URL of the warehouse; None = DuckDB files under `home`.
        portfolio: whose customers are scored.
        language: language of what is printed.
        memory_limit: most memory DuckDB may use, e.g. `4GB`; None = its own default.
        threads: most threads DuckDB may use; None = its own default.
        required_marts: marts that must not be skipped; a blank policy key ends the run with exit 10 for these.
        kept_versions: how many published versions of the warehouse file stay.
    """

    project: Path | None
    home: Path
    warehouse_url: str | None = None
    portfolio: Portfolio = Portfolio()
    language: Language = "en"
    memory_limit: str | None = None
    threads: int | None = None
    required_marts: tuple[str, ...] = ()
    kept_versions: int = 3

    @property
    def policy_dir(self) -> Path | None:
        """The project's policy folder; None without a project."""
        return self.project / "policy" if self.project else None

    @property
    def sources_dir(self) -> Path | None:
        """The project's folder of source mappings; None without a project."""
        return self.project / "sources" if self.project else None

    @property
    def corrections_dir(self) -> Path | None:
        """The project's folder of corrections; None without a project."""
        return self.project / "corrections" if self.project else None

    @property
    def warehouse_dir(self) -> Path:
        """The folder of the versioned DuckDB files: of the warehouse URL, else `home/warehouse`."""
        if self.warehouse_url is None:
            return self.home / "warehouse"
        path = Path(unquote(urlsplit(self.warehouse_url).path)[1:])
        return path.parent if path.suffix == ".duckdb" else path


def load_settings(
    *, project: Path | None, home: Path | None, warehouse: str | None, environ: Mapping[str, str], cwd: Path
) -> Settings:
    """Find the project and read its settings; without a project the defaults hold.

    Order of precedence: argument, environment (`KEHU_PROJECT`, `KEHU_HOME`, `KEHU_WAREHOUSE`), `kehu.toml`, default.
    The project is the argument's, the environment's, or `cwd` if that holds a `kehu.toml`. Relative paths of arguments
    and environment are relative to `cwd`, those of `kehu.toml` to the project.

    Args:
        project: `--project`.
        home: `--home`.
        warehouse: `--warehouse`; must not hold a password, which other users of the machine could read.
        environ: the environment.
        cwd: the current folder.

    Raises:
        SettingsError: there is no such project, or a setting is unknown or malformed (file, line and key are named).
    """
    folder = _project_folder(project, environ, cwd)
    toml = _Toml.read(folder / PROJECT_FILE) if folder else _Toml({}, (), PROJECT_FILE)
    toml.refuse_unknown()
    base = folder or cwd
    stated_home = toml.text("home")
    return Settings(
        project=folder,
        home=_home((home, cwd), (environ.get("KEHU_HOME"), cwd), (stated_home, base), ("var", base), environ=environ),
        warehouse_url=_warehouse_url(warehouse, environ.get("KEHU_WAREHOUSE"), toml, base, cwd),
        portfolio=_portfolio(toml),
        language=cast(Language, toml.choice("language", ("zh", "en"), "en")),
        memory_limit=toml.size("memory_limit"),
        threads=toml.integer("threads", smallest=1),
        required_marts=toml.texts("required_marts"),
        kept_versions=toml.integer("kept_versions", smallest=1) or Settings.kept_versions,
    )


def mask_url(url: str) -> str:
    """A URL fit to be shown: passwords, in front of the host or among the parameters, become `***`."""
    masked = _PASSWORD_BEFORE_HOST.sub(r"\1:***@", url)
    return _PASSWORD_PARAMETER.sub(r"\1***", masked)


def known_timezone(name: str) -> bool:
    """True for a time zone of the IANA database, e.g. `Asia/Shanghai`."""
    return name in available_timezones()


# --- the parts --------------------------------------------------------------------------------------------------------


def _project_folder(project: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    stated, by = (project, "--project") if project else (environ.get("KEHU_PROJECT"), "KEHU_PROJECT")
    if not stated:
        return cwd.resolve() if (cwd / PROJECT_FILE).is_file() else None
    folder = _absolute(stated, cwd, environ)
    if not (folder / PROJECT_FILE).is_file():
        raise SettingsError(
            f"{stated} ({by}) is no project folder: it has no {PROJECT_FILE}",
            code="project_not_found", file=str(stated), hint=f"kehu init {stated}",
        )  # fmt: skip
    return folder


def _absolute(stated: Path | str, base: Path, environ: Mapping[str, str]) -> Path:
    text = str(stated)
    if text.startswith("~/") and environ.get("HOME"):
        text = f"{environ['HOME']}{text[1:]}"
    # Resolved, since files are named relative to it later: `../x` and `/x` must be one folder.
    return (base / text).resolve()


def _home(*stated: tuple[Path | str | None, Path], environ: Mapping[str, str]) -> Path:
    return next(_absolute(path, base, environ) for path, base in stated if path)


def _portfolio(toml: _Toml) -> Portfolio:
    currency = toml.text("portfolio.reporting_currency")
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise toml.error("portfolio.reporting_currency", f"`{currency}` is no currency code of three capital letters")
    timezone = toml.text("portfolio.timezone") or Portfolio.timezone
    if not known_timezone(timezone):
        hint = did_you_mean(timezone, available_timezones()) or "such as Asia/Shanghai"
        raise toml.error("portfolio.timezone", f"there is no time zone {timezone}", hint=hint)
    month = toml.integer("portfolio.fiscal_year_start_month", smallest=1, largest=12)
    return Portfolio(toml.text("portfolio.name") or Portfolio.name, currency, timezone, month or 1)


def _warehouse_url(argument: str | None, variable: str | None, toml: _Toml, base: Path, cwd: Path) -> str | None:
    if argument and mask_url(argument) != argument:
        raise SettingsError(
            "a password on the command line can be read by every user of the machine",
            code="password_on_command_line", setting="warehouse", hint="put the URL into KEHU_WAREHOUSE",
        )  # fmt: skip
    if argument:
        return _checked_url(argument, cwd, file="--warehouse", line=None)
    if variable:
        return _checked_url(variable, cwd, file="KEHU_WAREHOUSE", line=None)
    stated = toml.text("warehouse")
    if stated is None:
        return None
    if mask_url(stated) != stated:
        raise toml.error(
            "warehouse", "a password does not belong in a project file", hint="put the URL into KEHU_WAREHOUSE"
        )
    return _checked_url(stated, base, file=toml.file, line=toml.line("warehouse"))


def _checked_url(url: str, base: Path, *, file: str, line: int | None) -> str:
    parts = urlsplit(url)
    if parts.scheme != "duckdb":
        raise SettingsError(
            f"warehouse {mask_url(url)} is no DuckDB URL; other warehouses come with a later release",
            code="warehouse_not_supported", file=file, line=line, setting="warehouse", hint="duckdb:////srv/kehu/warehouse",
        )  # fmt: skip
    path = unquote(parts.path)[1:]
    if parts.netloc or parts.query or not path or path == ":memory:":
        raise SettingsError(
            f"warehouse {mask_url(url)} names no folder",
            code="value_malformed", file=file, line=line, setting="warehouse",
            hint="duckdb:///relative/folder or duckdb:////absolute/folder",
        )  # fmt: skip
    if path.endswith(".duckdb") and Path(path).name != "kehu.duckdb":
        raise SettingsError(
            f"warehouse {mask_url(url)} names a file: a warehouse is a folder, `kehu.duckdb` in it its newest version",
            code="value_malformed", file=file, line=line, setting="warehouse",
            hint="name the folder, e.g. duckdb:////srv/kehu/warehouse",
        )  # fmt: skip
    return f"duckdb:///{(base / path).resolve().as_posix()}"


@dataclass(frozen=True)
class _Toml:
    """The content of `kehu.toml` with the means to say where a key stands, which the TOML reader does not tell."""

    content: Mapping[str, Any]
    lines: tuple[str, ...]
    file: str

    @classmethod
    def read(cls, path: Path) -> _Toml:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise SettingsError(
                f"cannot read {PROJECT_FILE}: {error.strerror}", code="file_unreadable", file=PROJECT_FILE
            ) from None
        except UnicodeDecodeError:
            raise SettingsError(
                f"{PROJECT_FILE} is not UTF-8 text",
                code="wrong_encoding",
                file=PROJECT_FILE,
                hint="save the file as UTF-8",
            ) from None
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            raise SettingsError(
                f"{PROJECT_FILE} is not valid TOML: {error}",
                code="toml_malformed", file=PROJECT_FILE, line=int(found.group(1)) if found else None,
            ) from None  # fmt: skip
        return cls(content, tuple(text.splitlines()), PROJECT_FILE)

    def line(self, setting: str) -> int | None:
        """The line a key stands on: searched in the text, under the heading of its table."""
        table, _, key = setting.rpartition(".")
        current = ""
        for number, line in enumerate(self.lines, start=1):
            heading = _TABLE.fullmatch(line)
            if heading:
                current = heading.group(1).strip("\"'")
                if current == setting:
                    return number
            elif current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
                return number
        return None

    def error(
        self, setting: str, message: str, *, code: str = "value_malformed", hint: str | None = None
    ) -> SettingsError:
        line = self.line(setting)
        return SettingsError(f"{setting}: {message}", code=code, file=self.file, line=line, setting=setting, hint=hint)

    def refuse_unknown(self) -> None:
        portfolio = self.content.get("portfolio", {})
        if not isinstance(portfolio, dict):
            raise self.error("portfolio", "a table is needed", hint="write [portfolio] and its keys below")
        for known, prefix, content in ((_KEYS, "", self.content), (_PORTFOLIO_KEYS, "portfolio.", portfolio)):
            for key in content:
                if key not in known:
                    hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
                    raise self.error(f"{prefix}{key}", "this key means nothing here", code="unknown_key", hint=hint)

    def _value(self, setting: str) -> Any:
        table, _, key = setting.rpartition(".")
        return (self.content.get(table, {}) if table else self.content).get(key)

    def text(self, setting: str) -> str | None:
        value = self._value(setting)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.error(setting, "a text in quotation marks is needed")
        return value.strip()

    def texts(self, setting: str) -> tuple[str, ...]:
        value = self._value(setting)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.error(setting, 'a list of texts is needed, such as ["mart_abc_customer"]')
        return tuple(value)

    def choice(self, setting: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(setting)
        if value is not None and value not in choices:
            raise self.error(
                setting, f"`{value}` is not one of {', '.join(choices)}", hint=did_you_mean(value, choices)
            )
        return value or default

    def integer(self, setting: str, *, smallest: int, largest: int | None = None) -> int | None:
        value = self._value(setting)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(setting, "a whole number is needed")
        if value < smallest or (largest is not None and value > largest):
            bounds = f"{smallest} or more" if largest is None else f"between {smallest} and {largest}"
            raise self.error(setting, f"{value} is out of bounds: {bounds}")
        return value

    def size(self, setting: str) -> str | None:
        value = self.text(setting)
        if value is not None and not _SIZE.fullmatch(value):
            raise self.error(setting, f"`{value}` is no amount of memory", hint="such as 4GB or 800MB")
        return value
