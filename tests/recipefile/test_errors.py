import pytest

from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.recipefile import RecipeFileError, loads

STEP = "[[steps]]\n"
RENDITION = "[[renditions]]\n"


def error_in(text: str) -> str:
    with pytest.raises(RecipeFileError) as caught:
        loads(text, name="web.toml")
    assert exit_code_for_error(caught.value) is ExitCode.USAGE
    return str(caught.value)


def test_an_error_names_file_line_and_key_and_suggests_a_key() -> None:
    text = 'color = "srgb"\n\n[[steps]]\ntrim = true\n\n[[steps]]\nwatermark = { text = "x", gravty = "south" }\n'
    with pytest.raises(RecipeFileError) as caught:
        loads(text, name="web.toml")
    assert str(caught.value) == "web.toml:7: steps[1].watermark.gravty: unknown key; did you mean gravity?"
    assert (caught.value.name, caught.value.line, caught.value.key) == ("web.toml", 7, "steps[1].watermark.gravty")
    assert caught.value.message == "unknown key; did you mean gravity?"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("colour = 'srgb'", "web.toml:1: colour: unknown key; did you mean color?"),
        ("rendition = []", "web.toml:1: rendition: unknown key; did you mean renditions?"),
        (STEP + "resise = {}", "web.toml:2: steps[0].resise: unknown key; did you mean resize?"),
        (STEP + "grayscale = { x = 1 }", "web.toml:2: steps[0].grayscale.x: unknown key; the keys here are: none"),
        (STEP + "trim = { zzz = 1 }", "web.toml:2: steps[0].trim.zzz: unknown key; the keys here are: tolerance"),
        (RENDITION + "'max bytez' = 1", 'web.toml:2: renditions[0]."max bytez": unknown key; did you mean max-bytes?'),
        ("enlarge = true", "web.toml:1: enlarge: unknown key here; it belongs in [[renditions]]"),
        ("width = 3", "web.toml:1: width: unknown key here; it belongs in [[renditions]]"),
        ("crop = '3x3'", "web.toml:1: crop: unknown key here; it belongs in [[steps]]"),
        (
            RENDITION + "gravity = 'north'",
            "web.toml:2: renditions[0].gravity: unknown key here; it belongs in the resize of [[steps]]",
        ),
        (
            STEP + "color = 'srgb'",
            "web.toml:2: steps[0].color: unknown key here; it belongs at the top of the file, above all [[st",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_a_suggestion(text: str, error: str) -> None:
    assert error_in(text).startswith(error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("auto-orient = 'no'", "web.toml:1: auto-orient: invalid value 'no': use true or false"),
        ("color = 3", "web.toml:1: color: invalid value 3: use one of srgb, p3, keep"),
        (
            "background = 3.5",
            "web.toml:1: background: invalid value 3.5: use a CSS color such as white, #rrggbb, #rrggbbaa or",
        ),
        (
            "background = 1979-05-27",
            "web.toml:1: background: invalid value 1979-05-27: use a CSS color such as white, #rrggbb, #rrgg",
        ),
        (
            "max-pixels = true",
            "web.toml:1: max-pixels: invalid value true: use a number of megapixels, for example 200",
        ),
        ("[steps]\ntrim = true", "web.toml:1: steps: must be an array of tables; start each with [[steps]]"),
        ("steps = [3]", "web.toml:1: steps[0]: must be a table; start it with [[steps]]"),
        (
            RENDITION + "width = [400, 800]",
            "web.toml:2: renditions[0].width: invalid value [400, 800]: use a whole number from 1 to 100000",
        ),
        (
            STEP + 'watermark = {image = "a\\u0000b"}',
            "web.toml:2: steps[0].watermark.image: invalid value 'a\\x00b': remove the NUL character",
        ),
        (
            STEP + "rotate = '90'",
            "web.toml:2: steps[0].rotate: invalid value '90': use a number from -360 to 360, or a table of d",
        ),
        (
            STEP + "crop = 5",
            "web.toml:2: steps[0].crop: invalid value 5: use WxH+X+Y or WxH, for example 800x600+10+20, or a",
        ),
        (STEP + "trim = 5", "web.toml:2: steps[0].trim: invalid value 5: use true or false, or a table of tolerance"),
        (
            STEP + "grayscale = 5",
            "web.toml:2: steps[0].grayscale: invalid value 5: use true or false, or an empty table",
        ),
        (
            STEP + "resize = 5",
            "web.toml:2: steps[0].resize: invalid value 5: use a table of fit, gravity, focus, enlarge, resa",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_what_is_accepted(text: str, error: str) -> None:
    assert error_in(text).startswith(error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("color = 'red'", "web.toml:1: color: invalid value 'red': use one of srgb, p3, keep"),
        (
            "background = 'whitish'",
            "web.toml:1: background: invalid color 'whitish': use a CSS color such as white, #rrggbb, #rrggb",
        ),
        (
            "background = [1, 2]",
            "web.toml:1: background: invalid value [1, 2]: use a CSS color such as white, #rrggbb, #rrggbbaa",
        ),
        (
            "background = [1, 2, 3.0]",
            "web.toml:1: background: invalid value (1, 2, 3.0, 255): use a CSS color such as white, #rrggbb,",
        ),
        (
            "background = [1, 2, 300]",
            "web.toml:1: background: invalid value (1, 2, 300, 255): use a CSS color such as white, #rrggbb,",
        ),
        (
            "max-pixels = 0",
            "web.toml:1: max-pixels: invalid number of megapixels 0: use a positive number such as 200",
        ),
        (
            "max-pixels = 200_000_000",
            "web.toml:1: max-pixels: invalid number of megapixels 200000000: use 200 for 200 million pixels; at most",
        ),
        (
            "max-pixels = inf",
            "web.toml:1: max-pixels: invalid number of megapixels inf: use a positive number such as 20",
        ),
        ("renditions = []", "web.toml:1: renditions: specify at least one rendition"),
        (STEP + "resize = {}\n[[steps]]\nresize = {}", "web.toml:1: steps: specify at most one resize step"),
        (
            STEP + "rotate = 361",
            "web.toml:2: steps[0].rotate: invalid value 361: use a number from -360 to 360, or a table of de",
        ),
        (
            STEP + "rotate = { degrees = 361 }",
            "web.toml:2: steps[0].rotate.degrees: invalid value 361: use a number from -360 to 360",
        ),
        (
            STEP + "crop = '3x'",
            "web.toml:2: steps[0].crop: invalid rectangle '3x': use WxH+X+Y or WxH, for example 800x600+10+2",
        ),
        (
            STEP + "trim.tolerance = 256",
            "web.toml:2: steps[0].trim.tolerance: invalid value 256: use a whole number from 0 to 255",
        ),
        (
            STEP + "resize = { focus = '1.5,0' }",
            "web.toml:2: steps[0].resize.focus: invalid value (1.5, 0.0): use two numbers from 0 to 1, for e",
        ),
        (
            STEP + "resize = { focus = [0.5] }",
            "web.toml:2: steps[0].resize.focus: invalid value [0.5]: use two numbers from 0 to 1, for exampl",
        ),
        (
            STEP + "resize = { focus = [0.5, nan] }",
            "web.toml:2: steps[0].resize.focus: invalid value [0.5, nan]: use two numbers from 0 to 1, for e",
        ),
        (STEP + "watermark = { text = ' ' }", "web.toml:2: steps[0].watermark.text: must not be empty"),
        (STEP + "watermark = {}", "web.toml:2: steps[0].watermark: specify either an image or a text"),
        (
            RENDITION + "size = '3y'",
            "web.toml:2: renditions[0].size: invalid size '3y': use a geometry such as 800x600, 800x, x600, ",
        ),
        (
            RENDITION + "quality = 'jpeg:80'",
            "web.toml:2: renditions[0].quality: invalid quality 'jpeg:80': use 80, or one per format as",
        ),
        (
            RENDITION + "quality = { png = 80 }",
            "web.toml:2: renditions[0].quality: 'png' has no quality: use jpeg, webp, avif, jxl",
        ),
        (
            RENDITION + "max-bytes = '3 pt'",
            "web.toml:2: renditions[0].max-bytes: invalid size '3 pt': use a number with an optional unit, f",
        ),
        (
            RENDITION + "effort = 0xfffffffffffffffffff",
            "web.toml:2: renditions[0].effort: exceeds the 64-bit range of TOML",
        ),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_key(text: str, error: str) -> None:
    assert error_in(text).startswith(error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (RENDITION + "width = 3\nlong-edge = 3", "web.toml:3: renditions[0].long-edge: cannot be combined with width"),
        (
            RENDITION + "size = '800x'\nwidth = 3",
            "web.toml:3: renditions[0].width: cannot be combined with size, which specifies it too",
        ),
        (
            RENDITION + "size = '8x8!'\nfit = 'cover'",
            "web.toml:3: renditions[0].fit: cannot be combined with size, which specifies it too",
        ),
        (RENDITION + "max-bytes = 1\nmax_bytes = 2", "web.toml:3: renditions[0].max_bytes: already set as max-bytes"),
        (
            RENDITION + "format = 'jpeg'\nlossless = true",
            "web.toml:3: renditions[0].lossless: does not apply to jpeg, only to avif, gif, jxl, png, tiff, webp",
        ),
        (
            STEP + "trim = true\nblur = 3",
            "web.toml:1: steps[0]: a step has one key, its name, not trim and blur; start each step with [[s",
        ),
        ("\n[[steps]]", "web.toml:2: steps[0]: a step has one key, its name, not none; start each step with [[steps]]"),
        (STEP + "crop = { width = 3 }", "web.toml:2: steps[0].crop: Missing required argument 'height'"),
        (STEP + "flip = {}", "web.toml:2: steps[0].flip: Missing required argument 'axis'"),
    ],
)
def test_contradictions_and_missing_keys_are_refused(text: str, error: str) -> None:
    assert error_in(text).startswith(error)


@pytest.mark.parametrize("step", ["trim = false", "grayscale = false", "sharpen = 'none'", "sharpen = false"])
def test_a_step_without_effect_is_refused(step: str) -> None:
    assert error_in(STEP + step).endswith("has no effect; remove the step")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a = 1\n= 2\n", "web.toml:2: invalid TOML: Invalid statement"),
        ("a = 1\n\na = 2\n", "web.toml:3: invalid TOML: Cannot overwrite a value"),
        ("a = 1\nb = '''\n\n\n", "web.toml:2: invalid TOML: Expected \"'''\""),
        ("a = " + "9" * 5000, "web.toml: a number has thousands of digits"),
        ("a = " + "[" * 5000, "web.toml: arrays or tables are nested hundreds deep"),
    ],
)
def test_malformed_toml_is_refused_with_its_line(text: str, error: str) -> None:
    assert error_in(text).startswith(error)
