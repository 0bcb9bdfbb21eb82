"""Sphinx configuration. The reference pages are made from the code at every build, and are not committed."""

import sys
from pathlib import Path

from pytest_backend_audit import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "pytest-backend-audit"
author = "The pytest-backend-audit developers"
copyright = "2026, the pytest-backend-audit developers"  # noqa: A001 - Sphinx's name for it
release = __version__
extensions = ["myst_parser", "generated_reference"]
myst_enable_extensions = ["attrs_block", "deflist"]
myst_heading_anchors = 3
nitpicky = True
smartquotes = False  # what readers copy keeps its quotes
html_theme = "furo"
html_title = f"pytest-backend-audit {__version__}"
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["_static"]
html_css_files = ["wide.css"]
exclude_patterns = ["_build", "_ext"]
