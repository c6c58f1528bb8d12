"""Arithmetic with pixels."""

from PIL import Image

from forkresize.image.arithmetic import evaluate


def test_images_are_computed_by_their_names() -> None:
    whole, part = Image.new("I", (3, 2), 70_000), Image.new("I", (3, 2), 9)
    rest = evaluate(lambda of: of["whole"] - of["part"] * 2, whole=whole, part=part)
    assert (rest.mode, rest.size, rest.getpixel((2, 1))) == ("I", (3, 2), 69_982)
