"""Sphinx configuration: MyST pages, numpy-style docstrings, one BibTeX file."""

import re
from importlib.metadata import version as installed_version
from typing import Any

project = "nanochart"
author = "The nanochart developers"
project_copyright = "2026, The nanochart developers"
release = installed_version("nanochart")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]
default_role = "code"  # `name` in a docstring is code, as in Markdown

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Docstrings give shapes and units, which say more; NumPy's aliases would be spelled out in full.
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_preprocess_types = False
# Sphinx makes links of the names in "Attributes"; that several classes have one is no mistake.
suppress_warnings = ["ref.python"]

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"

html_theme = "furo"
html_title = f"nanochart {release}"
html_show_sphinx = False


def escape_bars(
    _app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Docstrings write norms as |x|, which reStructuredText would take for a substitution."""
    math = None  # indentation of the math block that a line is in
    for k, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if math is not None and line.strip() and indent <= math:
            math = None
        if line.lstrip().startswith(".. math::"):
            math = indent
        if math is None:
            parts = re.split(r"(`[^`]*`)", line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[k] = "".join(parts)


def setup(app: Any) -> None:
    """Register the hook, to run before the numpy sections are read."""
    app.connect("autodoc-process-docstring", escape_bars, priority=100)
