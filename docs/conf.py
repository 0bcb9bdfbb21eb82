"""Sphinx configuration. The reference pages are made from the code at every build, and are not committed."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "pytest-backend-audit"
author = "The pytest-backend-audit developers"
copyright = "2026, the pytest-backend-audit developers"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser", "sphinx.ext.napoleon", "generated_reference"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "pytest-backend-audit"
exclude_patterns = ["_build", "_ext"]
suppress_warnings = ["myst.header"]
