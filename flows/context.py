"""From the arguments of a command to its settings.

May import: `config`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from kehu.config.settings import Settings, load_settings


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings a command works with: its options, then the environment, then the project, then defaults.

    Raises:
        SettingsError: kehu.toml is malformed.
    """
    return load_settings(
        project=arguments.project,
        home=arguments.home,
        warehouse=arguments.warehouse,
        environ=os.environ,
        cwd=Path.cwd(),
    )


def language_of(arguments: argparse.Namespace, settings: Settings) -> str:
    """`zh` or `en`: the option, else the project's."""
    return str(arguments.lang or settings.language)
