"""Which outputs keep the gain map of their source, and the map of each."""

from msgspec import Struct

from forkresize.formats import SPECS
from forkresize.image.container import replace_metadata
from forkresize.image.gainmap.description import Description
from forkresize.image.gainmap.embed import announce_in_xmp, describe_map, embed_map
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.gainmap.render import render_map
from forkresize.image.gainmap.source import GainMap
from forkresize.image.geometry.layout import Layout
from forkresize.image.geometry.region import Dimensions, Region
from forkresize.image.metadata import MetadataBlocks
from forkresize.image.picture import View
from forkresize.image.steps.registry import operation_of
from forkresize.recipe import Recipe

_INDEX = 256
"""Bytes that are enough for the index of both pictures."""


class OutputMap(Struct, frozen=True):
    """The gain map of one output.

    Attributes:
        data: its JPEG, with its description.
        description: how it is applied.
    """

    data: bytes
    description: Description

    @property
    def size(self) -> int:
        """Bytes that it adds to a file, without what it adds to XMP."""
        return len(self.data) + _INDEX

    def announce(self, packet: bytes) -> bytes:
        """Return the XMP of the output; see ``announce_in_xmp``.

        Raises:
            GainMapError: there is no room for it.
        """
        return announce_in_xmp(packet, self.description, len(self.data))

    def embed(self, primary: bytes) -> bytes:
        """Return the output with the map behind it; see ``embed_map``."""
        return embed_map(primary, self.data, self.description)


def make_map(gain_map: GainMap, view: View, plan: Layout) -> OutputMap:
    """Return the gain map of an output; see ``render_map``.

    Raises:
        GainMapError: it is damaged.
    """
    data = describe_map(render_map(gain_map, view, plan), gain_map.description)
    return OutputMap(data, gain_map.description)


def keep_map(gain_map: GainMap, size: Dimensions) -> OutputMap:
    """Return the gain map of an output that has the coded pixels of its source, as they are stored.

    Args:
        gain_map: that of the source.
        size: of the source, as it is stored.

    Raises:
        GainMapError: it is damaged.
    """
    if gain_map.curve is not None:
        # Its levels have another meaning in the output.
        whole = Layout(source=size, area=Region.whole(size), scaled=size, canvas=size)
        return make_map(gain_map, View.whole(size), whole)
    data = replace_metadata(gain_map.data, "jpeg", MetadataBlocks())
    if data is None:
        raise GainMapError("its gain map is damaged")
    return OutputMap(describe_map(data, gain_map.description), gain_map.description)


def check_recipe(recipe: Recipe, output: str) -> None:
    """Check that a recipe moves pixels, and neither changes nor covers them.

    Args:
        recipe: what is done to a picture.
        output: name of the output's format.

    Raises:
        GainMapError: the gain map would not fit the result.
    """
    if output != "jpeg":
        raise GainMapError(f"it is not written to {SPECS[output].label}")
    others = [step for step in recipe.steps_before_resize if not operation_of(step).is_deferred(step)]
    for step in (*others, *recipe.steps_after_resize):
        raise GainMapError(f"the step {step.__struct_config__.tag} does not apply to it")


def check_output(gain_map: GainMap, plan: Layout, *, is_converted: bool) -> None:
    """Check that a gain map fits an output.

    Args:
        gain_map: that of the source.
        plan: the layout of the output.
        is_converted: whether its color space is not that of the source.

    Raises:
        GainMapError: it does not.
    """
    if plan.canvas != plan.scaled:
        raise GainMapError("padding does not apply to it")
    if is_converted and not gain_map.is_same_for_all_channels:
        raise GainMapError("its gain differs between color channels, and the color space was converted")
