"""Words on pytest's command line that name no file: scenarios, pairings, ``matrix``.

``pytest python_cpp 1.1`` is short for ``pytest --pairing python_cpp --scenario 1.1``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from harmony.plan.pairing import UnknownPairingError, split_word
from harmony.project import Project

MATRIX: Final = "matrix"


def take_words(config: pytest.Config, project: Project) -> None:
    """Turn each word that names no file into the option it is short for.

    Where no file is named beside the words, or the options that they are short for, only the features are collected.
    """
    if config.option.pyargs:
        return
    files = [word for word in config.args if _names_file(word, config.invocation_params.dir)]
    words = [word for word in config.args if word not in files]
    chosen = config.option.scenario or config.option.matrix or config.option.pairing or config.option.role
    if not words and (not chosen or config.args_source is pytest.Config.ArgsSource.ARGS):
        return
    config.args = (files if words else []) or [str(project.features_directory)]
    pairings = [word for word in words if _names_pairing(word, project.settings.platforms)]
    config.option.matrix = config.option.matrix or MATRIX in words
    config.option.pairing = [*config.option.pairing, *pairings]
    scenarios = [word for word in words if word != MATRIX and word not in pairings]
    config.option.scenario = [*config.option.scenario, *scenarios]


def _names_file(word: str, directory: Path) -> bool:
    return "::" in word or (directory / word).exists()


def _names_pairing(word: str, platforms: Iterable[str]) -> bool:
    try:
        split_word(word, platforms)
    except UnknownPairingError:
        return False
    return True
