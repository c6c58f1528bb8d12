"""The steps of a recipe, a module each, and what every picture goes through besides."""
