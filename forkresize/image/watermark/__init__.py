"""Renders watermarks for outputs of a given size."""
