"""The settings of a gateway."""

import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

from forkresize.errors import FieldError
from forkresize.gateway.access.settings import AccessSettings
from forkresize.gateway.bounds import WireLimits
from forkresize.gateway.derivatives.settings import DerivativeSettings
from forkresize.gateway.imgproxy.settings import PictureUrlSettings
from forkresize.gateway.public_url import check_public_url
from forkresize.gateway.runs.settings import RunsSettings
from forkresize.pool import PoolOptions, SandboxMode
from forkresize.store.objects import StoreOptions

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_Count = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(gt=0)]


class Limits(Struct, frozen=True, kw_only=True):
    """What one request may take.

    Attributes:
        timeout: seconds for the whole request.
        max_pixels: of a source; also of what is made of it.
        max_output_pixels: of a picture by the IIIF Image API, before it is rotated.
        max_frames: of a source, if all are kept.
        max_file_size: bytes of a source or an upload.
        waiting: pictures that may wait for a worker; those beyond are refused with 503. None for 24 per worker.
            In an overload, none waits; see ``Pressure``.
        memory: bytes of sources that may be in memory at the same time.
        giant: bytes from which a source may not keep the last worker from others.
        connections: requests to each root at the same time.

    Raises:
        FieldError: no time is given.
    """

    timeout: _Seconds = 10.0
    max_pixels: _Count = 100_000_000
    max_output_pixels: _Count = 25_000_000
    max_frames: _Count = 200
    max_file_size: _Count = 64_000_000
    waiting: Annotated[int, Meta(ge=0)] | None = None
    memory: _Count = 512_000_000
    giant: _Count = 24_000_000
    connections: _Count = 16

    def __post_init__(self) -> None:
        if self.timeout <= 0:
            raise FieldError("timeout", f"invalid value {self.timeout:g}: use more than 0 seconds")


class GatewaySettings(Struct, frozen=True, kw_only=True):
    """All settings of a gateway.

    Attributes:
        roots: where pictures come from: URLs of stores or local paths, by name.
        host: the address to listen on.
        port: the port; 0 for any free one.
        public_url: where clients reach the gateway; empty for the host and scheme of each request.
        metrics_host: the address that Prometheus finds metrics at.
        metrics_port: the port; 0 for any free one; None for no metrics.
        unsigned: whether anyone may ask for any picture; otherwise, URLs must be signed.
        picture_urls: of pictures on demand: keys, presets, watermark.
        derivatives: of pictures that are kept in a store.
        limits: of each request.
        wire: limits of what clients send.
        access: who may do what.
        pool: of the workers.
        sandbox: of the workers.
        stores: limits of the requests to object stores.
        runs: of batches; None for a gateway that does none.

    Raises:
        FieldError: a value is invalid.
    """

    roots: Mapping[str, str]
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    public_url: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    unsigned: bool = False
    picture_urls: PictureUrlSettings = field(default_factory=PictureUrlSettings)
    derivatives: DerivativeSettings = field(default_factory=DerivativeSettings)
    limits: Limits = field(default_factory=Limits)
    wire: WireLimits = field(default_factory=WireLimits)
    access: AccessSettings = field(default_factory=AccessSettings)
    pool: PoolOptions = field(default_factory=PoolOptions)
    sandbox: SandboxMode = SandboxMode.AUTO
    stores: StoreOptions = field(default_factory=StoreOptions)
    runs: RunsSettings | None = None

    def __post_init__(self) -> None:
        if not self.roots:
            raise FieldError("root", "specify at least one place to read from, as NAME=URL")
        for name in self.roots:
            if not _NAME.fullmatch(name):
                raise FieldError("root", f"invalid name {name!r}: use letters, digits, '.', '_' and '-'")
        check_public_url(self.public_url)
