import pytest

from forkresize.errors import ExitCode
from forkresize.recipefile import RecipeFileError, loads

STEP = "[[steps]]\n"
RENDITION = "[[renditions]]\n"


def fault_in(text: str) -> str:
    with pytest.raises(RecipeFileError) as refusal:
        loads(text, name="web.toml")
    assert refusal.value.exit_code is ExitCode.USAGE
    return str(refusal.value)


def test_an_error_names_file_line_key_and_what_would_do() -> None:
    text = 'color = "srgb"\n\n[[steps]]\ntrim = true\n\n[[steps]]\nwatermark = { text = "x", gravty = "south" }\n'
    with pytest.raises(RecipeFileError) as refusal:
        loads(text, name="web.toml")
    assert str(refusal.value) == "web.toml:7: steps[1].watermark.gravty: no such key; did you mean gravity?"
    assert (refusal.value.name, refusal.value.line, refusal.value.key) == ("web.toml", 7, "steps[1].watermark.gravty")
    assert refusal.value.message == "no such key; did you mean gravity?"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("colour = 'srgb'", "colour: no such key; did you mean color?"),
        ("rendition = []", "rendition: no such key; did you mean renditions?"),
        (STEP + "resise = {}", "steps[0].resise: no such key; did you mean resize?"),
        (STEP + "grayscale = { x = 1 }", "steps[0].grayscale.x: no such key here; known: none"),
        (STEP + "trim = { zzz = 1 }", "steps[0].trim.zzz: no such key here; known: tolerance"),
        (RENDITION + "'max bytez' = 1", 'renditions[0]."max bytez": no such key; did you mean max-bytes?'),
        ("enlarge = true", "enlarge: no such key here; its place is in [[renditions]]"),
        ("width = 3", "width: no such key here; its place is in [[renditions]]"),
        ("crop = '3x3'", "crop: no such key here; its place is in [[steps]]"),
        (
            RENDITION + "gravity = 'north'",
            "renditions[0].gravity: no such key here; its place is in the resize of [[ste",
        ),
        (STEP + "color = 'srgb'", "steps[0].color: no such key here; its place is at the top of the file, above all"),
    ],
)
def test_an_unknown_key_is_an_error_with_a_suggestion(text: str, fault: str) -> None:
    assert fault in fault_in(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("auto-orient = 'no'", "auto-orient: is a text; true or false would do"),
        ("color = 3", "color: is a whole number; a word in quotes would do"),
        ("background = 3.5", 'background: is a number with a point; a text such as "white" or "#ff8000", or [255,'),
        ("background = 1979-05-27", "background: is a date or a time; a text such as"),
        ("max-pixels = true", "max-pixels: is a boolean; a number of megapixels, such as 200, would do"),
        ("[steps]\ntrim = true", "steps: is a table; tables, each under double brackets such as [[steps]], would do"),
        ("steps = [3]", "steps[0]: is no table; put each under [[steps]]"),
        (RENDITION + "width = [400, 800]", "width: is an array; a whole number, such as 800, would do"),
        (STEP + 'watermark = {image = "a\\u0000b"}', "steps[0].watermark.image: holds a NUL, which ends a text"),
        (STEP + "rotate = '90'", "steps[0].rotate: is a text; a number, such as 0.5, would do"),
        (
            STEP + "crop = 5",
            'crop: is no crop; a text such as "800x600+10+20", or a table of width, height, left, top, ',
        ),
        (STEP + "trim = 5", "trim: is no trim; true, or a table of tolerance, would do"),
        (STEP + "grayscale = 5", "grayscale: is no grayscale; true, or an empty table, would do"),
        (
            STEP + "resize = 5",
            "resize: is no resize; a table of fit, gravity, focus, enlarge, resample, linear would do",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_told_what_would_do(text: str, fault: str) -> None:
    assert fault in fault_in(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("color = 'red'", "web.toml:1: color: 'red' is none of srgb, keep"),
        ("background = 'whitish'", "background: 'whitish' is no color; try a CSS name"),
        ("background = [1, 2]", "background: is no color; [red, green, blue] is"),
        ("background = [1, 2, 3.0]", "background: is no color; [red, green, blue] is"),
        ("background = [1, 2, 300]", "background: (1, 2, 300, 255) is not red, green, blue and alpha"),
        ("max-pixels = 0", "max-pixels: 0 is no number of megapixels, such as 200 or 0.5"),
        ("max-pixels = inf", "max-pixels: inf is no number of megapixels"),
        ("renditions = []", "renditions: there is none, so that nothing would come out"),
        (STEP + "resize = {}\n" + STEP + "resize = {}", "web.toml:1: steps: a picture is resized once"),
        (STEP + "rotate = 361", "steps[0].rotate: 361 is no number from -360 to 360"),
        (STEP + "rotate = { degrees = 361 }", "steps[0].rotate: 361 is no number"),
        (STEP + "crop = '3x'", "steps[0].crop: '3x' is no part of a picture; WxH+X+Y is"),
        (STEP + "trim.tolerance = 256", "steps[0].trim.tolerance: 256 is no whole number from 0 to 255"),
        (STEP + "resize = { focus = '1.5,0' }", "steps[0].resize.focus: '1.5,0' is no point; X,Y is"),
        (STEP + "resize = { focus = [0.5] }", "steps[0].resize.focus: is no pair; two numbers in brackets are"),
        (STEP + "resize = { focus = [0.5, nan] }", "steps[0].resize.focus: nan is no number from 0 to 1"),
        (STEP + "watermark = { text = ' ' }", "steps[0].watermark.text: is empty"),
        (STEP + "watermark = {}", "steps[0].watermark: is either a picture or a text"),
        (RENDITION + "size = '3y'", "renditions[0].size: '3y' is no geometry"),
        (
            RENDITION + "quality = 'jpeg:80'",
            "renditions[0].quality: 'jpeg:80' is no quality; 80 is, and jpeg=80,webp=78",
        ),
        (RENDITION + "quality = { png = 80 }", "renditions[0].quality: 'png' has no quality; jpeg, webp, avif have"),
        (RENDITION + "max-bytes = '3 pt'", "renditions[0].max-bytes: '3 pt' is no size; 300K, 1.5M and 200KiB are"),
        (RENDITION + "effort = 0xfffffffffffffffffff", "renditions[0].effort: is a larger number than TOML has"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_key(text: str, fault: str) -> None:
    assert fault in fault_in(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (RENDITION + "width = 3\nlong-edge = 3", "web.toml:3: renditions[0].long-edge: the size is said in two ways"),
        (
            RENDITION + "size = '800x'\nwidth = 3",
            "web.toml:3: renditions[0].width: contradicts size, which says it too",
        ),
        (RENDITION + "size = '8x8!'\nfit = 'cover'", "web.toml:3: renditions[0].fit: contradicts size"),
        (
            RENDITION + "max-bytes = 1\nmax_bytes = 2",
            "web.toml:3: renditions[0].max_bytes: is said already, as max-bytes",
        ),
        (RENDITION + "format = 'jpeg'\nlossless = true", "web.toml:3: renditions[0].lossless: means nothing to jpeg"),
        (
            STEP + "trim = true\nblur = 3",
            "web.toml:1: steps[0]: a step has one key, its name, and here is trim and blur",
        ),
        ("\n[[steps]]", "web.toml:2: steps[0]: a step has one key, its name, and here is none"),
        (STEP + "crop = { width = 3 }", "web.toml:2: steps[0].crop: lacks height"),
        (STEP + "flip = {}", "web.toml:2: steps[0].flip: lacks axis"),
    ],
)
def test_what_contradicts_itself_or_lacks_a_part_is_refused(text: str, fault: str) -> None:
    assert fault in fault_in(text)


@pytest.mark.parametrize("step", ["trim = false", "grayscale = false", "sharpen = 'none'", "sharpen = false"])
def test_a_step_that_does_nothing_is_to_be_left_out(step: str) -> None:
    assert fault_in(STEP + step).endswith("does nothing so; leave the step out")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a = 1\n= 2\n", "web.toml:2: Invalid statement"),
        ("a = 1\n\na = 2\n", "web.toml:3: Cannot overwrite a value"),
        ("a = 1\nb = '''\n\n\n", "web.toml:2: Expected \"'''\""),
        ("a = " + "9" * 5000, "web.toml: holds a number of thousands of digits"),
        ("a = " + "[" * 5000, "web.toml: holds arrays or tables nested hundreds deep"),
    ],
)
def test_malformed_toml_is_told_by_its_line(text: str, fault: str) -> None:
    assert fault_in(text).startswith(fault)
