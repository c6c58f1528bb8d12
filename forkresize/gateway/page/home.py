"""The page ``/``: what is served, a form that tries recipes, and runs."""

from forkresize import units
from forkresize.formats import writable_formats
from forkresize.gateway.imgproxy.signature import PREFIX
from forkresize.gateway.openapi import Json
from forkresize.gateway.page.assets import render
from forkresize.gateway.page.docs import list_endpoints
from forkresize.gateway.services import Services
from forkresize.gateway.settings import Limits

_FITS = [
    ("fit", "fit within"),
    ("fill", "fill and crop"),
    ("fit+extend", "fit within and pad"),
    ("force", "stretch"),
    ("auto", "fill or fit, by orientation"),
]
"""Words of URLs, and what they mean."""

_GRAVITIES = [
    ("ce", "center"),
    ("sm", "smart"),
    ("no", "north"),
    ("noea", "north-east"),
    ("ea", "east"),
    ("soea", "south-east"),
    ("so", "south"),
    ("sowe", "south-west"),
    ("we", "west"),
    ("nowe", "north-west"),
]

_SNIPPETS = [("html", "HTML"), ("curl", "curl"), ("python", "Python"), ("javascript", "JavaScript")]


def render_home(services: Services, document: Json, assets: str) -> str:
    """Return the text of the page.

    Args:
        services: of the gateway.
        document: the OpenAPI document of all endpoints.
        assets: the path of style sheets and scripts.
    """
    settings, is_keyless = services.settings, services.access.is_keyless
    # Signed URLs and nothing else: the page can show no picture, as the gateway signs for callers with a role only.
    is_locked = is_keyless and not settings.unsigned
    formats = [str(each) for each in writable_formats()]
    return render(
        "home.html.j2",
        assets,
        "home",
        roots=services.roots.names,
        presets=services.picture_urls.presets,
        presets_only=settings.picture_urls.presets_only,
        destinations=[] if settings.runs is None else list(settings.runs.places.destinations),
        unsigned=settings.unsigned,
        prefix=PREFIX,
        key_needed=not is_keyless,
        is_locked=is_locked,
        formats=formats,
        limits=_describe_limits(settings.limits),
        endpoints=list_endpoints(document),
        may_try=not is_locked,
        may_upload=not is_keyless,
        has_runs=settings.runs is not None and not is_locked,
        fits=_FITS,
        gravities=_GRAVITIES,
        output_formats=[("auto", "automatic"), ("", "as the source"), *formats],
        snippets=_SNIPPETS,
    )


def _describe_limits(limits: Limits) -> list[tuple[str, str]]:
    return [
        ("Time limit of a request", f"{limits.timeout:g} s"),
        ("Largest file", units.format_size(limits.max_file_size)),
        ("Largest picture", f"{limits.max_pixels / 1_000_000:g} megapixels"),
        ("Most frames", f"{limits.max_frames:,}"),
    ]
