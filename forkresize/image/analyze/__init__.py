"""Measures of image content: smart crop and structural similarity."""
