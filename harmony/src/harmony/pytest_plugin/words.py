"""Words on pytest's command line that name no file: scenarios, pairings, ``matrix``.

``pytest python_cpp 1.1`` is short for ``pytest --pairing python_cpp --scenario 1.1``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.plan.words import Words
from harmony.project import Project


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
    said = Words.of(words, project.settings.platforms)
    config.option.matrix = config.option.matrix or said.matrix
    config.option.pairing = [*config.option.pairing, *said.pairings]
    config.option.scenario = [*config.option.scenario, *said.scenarios]


def _names_file(word: str, directory: Path) -> bool:
    return "::" in word or (directory / word).exists()
