"""Recipes keep the fingerprints that version 0.1.0 recorded: existing destinations are recognized as unchanged."""

import pytest

from forkresize.recipe import (
    Axis,
    Blur,
    Crop,
    Fit,
    Flip,
    Gravity,
    Grayscale,
    Recipe,
    Rendition,
    Resize,
    Sharpen,
    Size,
    Trim,
)

WITHOUT_EFFECT = {"short_edge": 90, "ssim": 0.98, "focus": "0.5,0.3", "fit": "cover"}
"""Settings files may hold such options."""

RECORDED = [
    (Recipe.of(width=800), "0b1b4f13c502e7af"),
    (Recipe.of(width=[400, 800], format=["webp", "jpeg"], quality=70), "1abd6545693b1d99"),
    (
        Recipe.from_options({"size": "800x600^>", "fit": "cover", "gravity": "attention"}, effective=()),
        "99136ef65a56e221",
    ),
    (Recipe.of(size="50%x25%", resample="box", linear=True), "edc2aba0096af02e"),
    (Recipe.of(scale=150, enlarge=True), "d49a9ed9fdff4395"),
    (Recipe.of(megapixels=2.5, format="avif", effort=3, subsampling="444"), "e476e7cc6d295881"),
    (Recipe.of(long_edge=1200, format="jpeg", max_bytes=300_000, progressive=True), "4aeece0149384e8e"),
    (Recipe.from_options(WITHOUT_EFFECT, effective=()), "fd9f68e6ea783992"),
    (Recipe.of(quality={"webp": 30, "jpeg": 40}), "ac1beaf348b94bf0"),
    (Recipe.of(format=["png", "keep"], palette=16, lossless=True), "bd73ddbefed44c16"),
    (Recipe.of(rotate=90, flip="h", crop="800x600+10+20", trim=True), "05955a5c4d57bc8e"),
    (Recipe.of(rotate=1.5, grayscale=True, blur=2, border=3, background=(0, 0, 0, 128)), "b06992b622a8243c"),
    (Recipe.of(sharpen="auto", width=10), "0d9629c81c797508"),
    (Recipe.of(sharpen="1.5,80,3", height=10), "fabc22c9747b8e32"),
    (Recipe.of(watermark="logo.png", watermark_gravity="tile", watermark_opacity=0.2), "be013aea3de1f99c"),
    (
        Recipe.of(watermark_text="© me", watermark_font="a.ttf", watermark_scale=10, watermark_margin=1),
        "7f84cfb6ea09ec30",
    ),
    (
        Recipe.of(
            metadata="copyright",
            color="keep",
            animation="first",
            on_truncated="salvage",
            if_larger="keep-original",
            auto_orient=False,
        ),
        "918df5515c33dd5e",
    ),
    (Recipe.of(max_pixels=7777, max_frames=8, max_file_size=9), "2bed1decda3128a9"),
    (
        Recipe(steps=(Blur(radius=3), Resize(focus=(1, 0)), Crop(width=5, height=6), Trim(tolerance=3))),
        "55ee65ee02eacf07",
    ),
    (
        Recipe(
            renditions=(
                Rendition(size=Size(width=3, fit=Fit.FILL, shrink=False)),
                Rendition(size=Size(height=3, enlarge=False)),
            )
        ),
        "d741699a5f29fddc",
    ),
    (
        Recipe(
            steps=(
                Flip(axis=Axis.VERTICAL),
                Grayscale(),
                Resize(gravity=Gravity.ENTROPY, fit=Fit.CONTAIN),
                Sharpen(percent=90),
            )
        ),
        "d7da7baecd4be889",
    ),
    (Recipe(), "2bed1decda3128a9"),
]


def test_what_is_dropped_changes_the_fingerprint_in_no_order() -> None:
    recipes = [Recipe.of(drop=drop) for drop in ("people", "place", "people,place")]
    assert len({Recipe().fingerprint(), *(recipe.fingerprint() for recipe in recipes)}) == 4
    assert Recipe.of(drop="place,people").fingerprint() == recipes[2].fingerprint()
    assert Recipe.of(drop="none").fingerprint() == Recipe().fingerprint()


@pytest.mark.parametrize(("recipe", "fingerprint"), RECORDED)
def test_a_recipe_has_the_fingerprint_that_version_0_1_0_recorded(recipe: Recipe, fingerprint: str) -> None:
    assert recipe.fingerprint() == fingerprint
