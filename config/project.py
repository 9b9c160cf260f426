"""Writing a new project folder: a user's own settings, policy, sources and corrections.

May import: `config.errors`.
"""

from __future__ import annotations

from pathlib import Path

from kehu.config.errors import UsageError

TEMPLATE = Path(__file__).parent / "project"
_NOT_TEMPLATES = ("__pycache__", ".DS_Store")
_LEFT_ALONE = Path(".gitignore")


def init_project(directory: Path) -> list[Path]:
    """Write a project folder: `kehu.toml` and commented beginnings of policy, sources, corrections and calendar.

    Args:
        directory: the folder; made where it is absent. Other files in it are left alone, and so is a `.gitignore`.

    Returns:
        The files written, sorted.

    Raises:
        UsageError: one of the files is there already; nothing is written then.
    """
    templates = [name for name in _template_files() if name != _LEFT_ALONE or not (directory / name).exists()]
    present = [name.as_posix() for name in templates if (directory / name).exists()]
    if present or (directory.exists() and not directory.is_dir()):
        raise UsageError(
            f"{directory} holds a project already" if present else f"{directory} is no folder",
            code="project_exists",
            file=str(directory),
            count=len(present) or None,
            details=[f"there already: {name}" for name in present],
            hint="nothing was written; give another folder, or move these files away",
        )
    written: list[Path] = []
    for name in templates:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((TEMPLATE / name).read_bytes())
        written.append(target)
    return written


def _template_files() -> list[Path]:
    names = (path.relative_to(TEMPLATE) for path in TEMPLATE.rglob("*") if path.is_file())
    return sorted(name for name in names if not set(name.parts) & set(_NOT_TEMPLATES))
