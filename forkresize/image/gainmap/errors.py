"""Why a gain map is not kept."""


class GainMapError(ValueError):
    """A gain map cannot be kept; the message says why."""
