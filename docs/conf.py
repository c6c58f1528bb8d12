"""The documentation site. ``python -m sphinx --fail-on-warning docs build/site`` in the project's root builds it."""

from forkresize import __version__

project = "forkresize"
version = release = __version__
html_title = f"forkresize {__version__}"
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_use_index = False
html_static_path = ["generate/static"]
html_css_files = ["site.css"]
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docs.generate.site",
]
exclude_patterns = ["generate"]

highlight_language = "text"
# They would make dashes of the hyphens of flags.
smartquotes = False
# As GitHub makes them, down to this level.
myst_heading_anchors = 4
copybutton_prompt_text = "$ "

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
