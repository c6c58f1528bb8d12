"""A bucket of a real S3 server, pictures in it, and the summaries of runs."""

import io
import random
from collections.abc import Callable
from typing import Any

from PIL import Image

SECRET = "test-secret"  # noqa: S105  Of the server of the tests.


class Bucket:
    """A bucket of its own for a test."""

    def __init__(self, client: Any, name: str) -> None:
        self.name = name
        self._client = client
        client.create_bucket(Bucket=name)

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        data: bytes = self._client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return data

    def head(self, key: str) -> dict[str, Any]:
        head: dict[str, Any] = self._client.head_object(Bucket=self.name, Key=key)
        return head

    def delete(self, *keys: str) -> None:
        for key in keys:
            self._client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix: str = "") -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]


def picture(seed: int, size: tuple[int, int] = (64, 48), form: str = "JPEG") -> bytes:
    data = io.BytesIO()
    patches = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(8 * 8 * 3))  # noqa: S311  Seeded on purpose.
    patches.resize(size, Image.Resampling.BICUBIC).save(data, form)
    return data.getvalue()


def counts(summary: dict[str, Any]) -> tuple[int, ...]:
    return tuple(summary[name] for name in ("written", "unchanged", "skipped", "failed", "pruned"))


RunCommand = Callable[..., dict[str, Any]]


SIZES = ("--width", "16,32", "--format", "webp,jpeg")
