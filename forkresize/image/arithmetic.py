"""Arithmetic with all pixels of images: evaluate."""

from collections.abc import Callable

from PIL import Image, ImageMath

evaluate: Callable[..., Image.Image] = ImageMath.lambda_eval
"""Return the image that a function computes from others, which it gets as a dictionary; named as they are given.

Pillow declares any result, since a function may return a number as well; none here does.
"""
