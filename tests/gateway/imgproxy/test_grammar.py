import pytest

from forkresize.errors import FieldError
from forkresize.formats import Format
from forkresize.gateway.imgproxy.arguments import GravityArgument
from forkresize.gateway.imgproxy.grammar import REFUSED, parse_options
from forkresize.gateway.imgproxy.options import CropArguments, Options, WatermarkArguments
from forkresize.recipe import Gravity


def parse(path: str) -> Options:
    return parse_options(path.split("/"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "resize:fill:300:200:1:0",
            {"size_type": "fill", "width": 300, "height": 200, "enlarge": True, "extend": False},
        ),
        ("rs::300", {"width": 300}),
        ("rs:force", {"size_type": "force"}),
        ("s::200:t", {"height": 200, "enlarge": True}),
        ("rt:fill-down", {"size_type": "fill-down"}),
        ("w:0/h:40", {"width": 0, "height": 40}),
        ("ex:1:no:0:0", {"extend": True, "extend_place": GravityArgument("no")}),
        ("g:fp:0.25:1", {"gravity": GravityArgument("fp", 0.25, 1.0)}),
        ("g:nowe:10:0.5", {"gravity": GravityArgument("nowe", 10.0, 0.5)}),
        ("g:sm", {"gravity": GravityArgument("sm")}),
        ("c:300", {"crop": CropArguments(300.0)}),
        ("c:0.5:100:soea:5:6", {"crop": CropArguments(0.5, 100.0, GravityArgument("soea", 5.0, 6.0))}),
        ("dpr:1.5", {"dpr": 1.5}),
        ("z:2:2", {"zoom": 2.0}),
        ("t:10", {"trim": 10.0}),
        ("t:", {"trim": -1}),
        ("pd:10:10", {"padding": 10}),
        ("ar:false", {"auto_rotate": False}),
        ("rot:-90", {"rotate": 270}),
        ("fl:1:0", {"flip": (True, False)}),
        ("bg:f80", {"background": (255, 136, 0)}),
        ("bg:1:2:3", {"background": (1, 2, 3)}),
        ("bg:", {"background": ()}),
        ("wm:0.5", {"watermark": WatermarkArguments(0.5)}),
        ("wm:1:re::0:0.2", {"watermark": WatermarkArguments(1.0, None, 0.0, 0.0, 0.2)}),
        ("wm:1:soea:0.02:0.02", {"watermark": WatermarkArguments(1.0, Gravity.SOUTH_EAST, 0.02, 0.02)}),
        ("fq:jpeg:80:webp:70/fq:jpg:60", {"qualities": {Format.JPEG: 60, Format.WEBP: 70}}),
        ("f:jpg", {"format": Format.JPEG}),
        ("ext:auto", {"format": "auto"}),
        ("fn:summer%20sea.jpg/att:1", {"filename": "summer sea.jpg", "attachment": True}),
        ("fn:c2VhLmpwZw:1", {"filename": "sea.jpg"}),
        ("cb:v1/exp:4102444800", {"cachebuster": "v1", "expires": 4102444800}),
        ("w:10/width:20", {"width": 20}),
        ("rs:fill:1:2/rt:fit/w:3", {"size_type": "fit", "width": 3, "height": 2}),
    ],
)
def test_options_of_imgproxy_are_read(path: str, expected: dict[str, object]) -> None:
    assert parse(path) == Options(**expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("width:-1", "invalid value '-1': use a whole number from 0 to 100000"),
        ("width:+1", "invalid value '+1'"),
        ("width:1:2", "has 2 arguments: use PIXELS"),
        ("width:\u0661", "invalid value"),
        ("quality:101", "use a whole number from 0 to 100"),
        ("rs:full:1:2", "invalid value 'full': use one of fit, fill, fill-down, force, auto; did you mean"),
        ("enlarge:yes", "use 1, t or true, or 0, f or false"),
        ("extend:1:sm", "invalid value 'sm': use one of ce, no"),
        ("extend:1:no:5", "offsets are not supported"),
        ("gravity:fp:0.5", "needs two numbers from 0 to 1 after fp"),
        ("gravity:fp:2:0", "use a number from 0 to 1"),
        ("gravity:sm:1", "has 2 arguments"),
        ("gravity:obj:face", "invalid value 'obj'"),
        ("crop:10:10:sm", "invalid value 'sm'"),
        ("crop:nan", "invalid value 'nan': use a number from 0 to 100000"),
        ("dpr:0", "a number above 0"),
        ("zoom:1:2", "use one factor for both sides"),
        ("trim:10:ff0000", "only the threshold is supported"),
        ("padding:1:2", "use one width for all sides"),
        ("padding:", "use one width for all sides"),
        ("rotate:45", "use a multiple of 90"),
        ("background:1:2", "has 2 arguments: use RRGGBB or R:G:B"),
        ("background:red", "three or six hexadecimal digits"),
        ("blur:1e3", "invalid value '1e3'"),
        ("watermark:0.5:ch", "invalid value 'ch'"),
        ("watermark:0.5:ce:0.1:0.2", "both offsets must be the same share"),
        ("format_quality:jpeg", "use pairs of a format and a quality"),
        ("format_quality:png:80", "invalid value 'png': use one of"),
        ("format:heic", "invalid value 'heic': use one of"),
        ("filename:a%2Fb", "without slashes"),
        ("filename:a%0D%0Ab", "characters that print"),
        ("expires:tomorrow", "use a whole number of at least 0"),
        ("widht:300", "unknown option; did you mean width"),
        ("x" * 50 + ":1", "unknown option"),
    ],
)
def test_an_argument_that_is_not_accepted_is_refused_with_what_is(option: str, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse(option)
    assert caught.value.field == option.partition(":")[0][:40] + ("…" if option.startswith("xxx") else "")
    assert message in caught.value.message


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_options_that_a_recipe_has_no_place_for_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(FieldError, match="this option of imgproxy is not accepted: ") as caught:
        parse(f"{name}:1")
    assert caught.value.field == name
