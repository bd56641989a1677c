"""How Sphinx makes the site from the pages as they lie in the repository: `nox -s docs`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "harmony + zerobuffer"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "doors"]

# The source is the repository, so that a link from page to page is the same here and on a forge.
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/api/*.md",
    "harmony/docs/*.md",
    "harmony/README.md",
    "examples/*.md",
    "examples/*/*.md",
    "subjects/*/*.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = [".*", "build", "drivers", "benchmarks", "tests", "**/node_modules", "subjects/*/drivers"]

myst_heading_anchors = 4
default_role = "code"
# What a page shows is code, the output of a command, or both: it is not judged as one language.
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
# A public face loads its names when they are first used, and autodoc documents those that are there.
for face in ("harmony", "harmony.doctor", "harmony.network", "harmony.perf", "harmony.wire"):
    module = importlib.import_module(face)
    for name in module.__all__:
        setattr(module, name, getattr(module, name))

html_theme = "furo"
html_title = project
html_extra_path = ["index.html"]
html_copy_source = False
html_show_copyright = False
