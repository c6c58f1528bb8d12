"""Pictures rendered in memory: results, faults of workers, and what workers can reach."""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.batch.remote import renderer as module
from forkresize.batch.remote.renderer import Inspected, Inspection, PackedRecipe, Renderer, Rendering, scrub_environment
from forkresize.errors import BrokenPoolError
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Reason, Skipped, Written
from forkresize.pool import Completed, PoolOptions, SandboxMode, WorkerLost, sealed_memfd
from forkresize.pool.sandbox import missing_layers
from forkresize.recipe import Recipe
from tests.batch.remote import render_hooks
from tests.batch.remote.conftest import width_of
from tests.batch.remote.transferring import DrawBytes
from tests.protocols import Draw

pytestmark = pytest.mark.slow

RECIPE = PackedRecipe.of(Recipe.of(width=(16, 32), format="webp"))


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    with Renderer(PoolOptions(workers=2, timeout=30)) as renderer:
        yield renderer


def job(name: str = "a.jpg", outputs: int = 2) -> Job:
    return Job(Source(f"s3://photos/in/{name}", name), tuple(Output(f"{name}-{n}.webp", n) for n in range(outputs)))


def render(renderer: Renderer, data: bytes, job: Job, recipe: PackedRecipe = RECIPE) -> Rendering:
    with sealed_memfd(data) as file:
        future = renderer.submit(job, recipe, file)
    return future.result(60)


def details(rendering: Rendering) -> list[Any]:
    assert isinstance(rendering.result, Completed)
    return [each.detail for each in rendering.result.result]


@pytest.fixture
def use_hook(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Renderer]:
    def start(name: str, mode: SandboxMode = SandboxMode.AUTO) -> Renderer:
        monkeypatch.syspath_prepend(Path(__file__).parents[3])
        monkeypatch.setattr(module, "render_task", f"tests.batch.remote.render_hooks:{name}")
        return Renderer(PoolOptions(workers=1, retries=0), mode)

    return start


def test_renditions_are_returned_in_memory(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    rendering = render(renderer, draw_bytes(size=(64, 48)), job())
    assert [(each.out_size, each.out_format) for each in details(rendering)] == [((16, 12), "webp"), ((32, 24), "webp")]
    assert [width_of(rendering.read(number)) for number in (0, 1)] == [16, 32]
    assert rendering.size == sum(each.out_bytes for each in details(rendering))
    assert (rendering.result.item, rendering.result.attempts) == (job(), 1)
    rendering.close()


def test_small_picture_and_its_renditions_are_parts_of_messages(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    rendering = renderer.submit(job(), RECIPE, BytesIO(draw_bytes(size=(64, 48)))).result(60)
    assert rendering.file is None
    assert [width_of(rendering.read(number)) for number in (0, 1)] == [16, 32]
    found = renderer.inspect(job(), RECIPE, BytesIO(draw_bytes("a.png", size=(64, 48)))).result(60).found
    assert found == Inspected(64, 48, "png", 1)


def test_large_rendition_comes_in_a_file(renderer: Renderer) -> None:
    noise = Image.frombytes("RGB", (200, 200), random.Random(1).randbytes(120_000))  # noqa: S311
    noise.save(encoded := BytesIO(), "PNG")
    recipe = PackedRecipe.of(Recipe(max_pixels=10**6))
    with closing(render(renderer, encoded.getvalue(), job("a.png", outputs=1), recipe)) as rendering:
        assert rendering.file is not None
        assert width_of(rendering.read(0)) == 200


def test_one_pool_renders_with_many_recipes(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    data = draw_bytes(size=(64, 48))
    for width in (8, 24, 8, 48):
        recipe = PackedRecipe.of(Recipe.of(width=width, format="png"))
        rendering = render(renderer, data, job(outputs=1), recipe)
        assert width_of(rendering.read(0)) == width
        rendering.close()


def test_only_the_renditions_of_the_job_are_made(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    one = Job(job().source, job().outputs[1:])
    rendering = render(renderer, draw_bytes(), one)
    assert [each.rendition for each in rendering.result.result] == [1]  # type: ignore[union-attr]
    assert width_of(rendering.read(1)) == 32
    rendering.close()


def test_what_is_not_a_picture_has_an_outcome_and_no_file(renderer: Renderer) -> None:
    rendering = render(renderer, b"no picture", job("notes.txt"))
    assert [(type(each), each.reason) for each in details(rendering)] == [(Skipped, Reason.NOT_A_PICTURE)]
    assert (rendering.file, rendering.size) == (None, 0)


def test_picture_is_inspected_between_pictures_that_are_rendered(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    data = draw_bytes(size=(64, 48))
    with sealed_memfd(data) as file:
        rendering, inspection = renderer.submit(job(), RECIPE, file), renderer.inspect(job(), RECIPE, file)
    found = inspection.result(60)
    assert found.found == Inspected(64, 48, "jpeg", 1)
    assert (found.result.item, found.result.result) == (job(), [])  # type: ignore[union-attr]
    rendered = rendering.result(60)
    assert len(rendered.spans) == 2
    rendered.close()


def inspect(renderer: Renderer, data: bytes) -> Inspection:
    with sealed_memfd(data) as file:
        return renderer.inspect(job(), RECIPE, file).result(60)


def test_what_is_not_a_picture_cannot_be_inspected(renderer: Renderer) -> None:
    inspection = inspect(renderer, b"no picture")
    assert inspection.found is None
    assert [each.detail for each in inspection.result.result] == [  # type: ignore[union-attr]
        Skipped(Reason.NOT_A_PICTURE)
    ]


def test_damaged_picture_fails_by_itself(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    data = draw_bytes("a.png", size=(300, 300))
    (detail,) = details(render(renderer, data[: len(data) // 2], job("a.png")))
    assert (type(detail), detail.reason) == (Failed, Reason.DAMAGED)


def test_name_that_is_not_text_reaches_the_worker(renderer: Renderer) -> None:
    (detail,) = details(render(renderer, b"\xff\xd8\xff", job("a\udcff.jpg")))
    assert isinstance(detail, Failed)


def test_watermark_is_loaded_once_before_the_workers(draw: Draw, draw_bytes: DrawBytes, tmp_path: Path) -> None:
    logo = draw(tmp_path / "logo.png", size=(8, 8))
    recipe = PackedRecipe.of(Recipe.of(width=16, watermark=str(logo)))
    with Renderer(PoolOptions(workers=1), recipes=[recipe]) as renderer:
        rendering = render(renderer, draw_bytes(), job(outputs=1), recipe)
        assert isinstance(details(rendering)[0], Written)
        rendering.close()


@pytest.mark.skipif("landlock" in missing_layers(), reason="this kernel lacks landlock")
def test_watermark_that_was_not_loaded_cannot_be_opened(
    renderer: Renderer, draw: Draw, draw_bytes: DrawBytes, tmp_path: Path
) -> None:
    recipe = PackedRecipe.of(Recipe.of(width=16, watermark=str(draw(tmp_path / "logo.png", size=(8, 8)))))
    rendering = render(renderer, draw_bytes(), job(outputs=1), recipe)
    assert not rendering.spans
    assert "logo.png" in str(rendering.result)


@pytest.mark.skipif(bool(missing_layers()), reason="this kernel lacks a layer of the sandbox")
def test_workers_have_no_files_no_network_and_no_credentials(
    use_hook: Callable[..., Renderer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word")
    for name in ("AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "FORKRESIZE_LEDGER", "PGPASSWORD"):
        monkeypatch.setenv(name, "hush")
    with use_hook("report") as renderer:
        (detail,) = details(render(renderer, b"x", Job(Source(str(secret), "secret"), job().outputs)))
        environment = Path(f"/proc/{renderer.supervisor_pid}/environ").read_text()
    assert "hush" not in environment
    assert "open=13" in detail.error
    assert "connect=" in detail.error
    assert "connect=done" not in detail.error
    for name in ("AWS_SECRET_ACCESS_KEY", "FORKRESIZE_LEDGER", "PGPASSWORD"):
        assert name not in detail.error


@pytest.mark.parametrize(
    "name",
    [
        "claim_more",
        "claim_more_inline",
        "return_nothing",
        "return_too_much",
        "return_too_much_inline",
        "return_size",
        "return_size_with_file",
    ],
)
def test_worker_that_returns_other_bytes_than_it_reports_is_not_believed(
    use_hook: Callable[..., Renderer], name: str
) -> None:
    with use_hook(name) as renderer:
        rendering = render(renderer, b"x", job(outputs=1))
    (detail,) = details(rendering)
    assert (detail.reason, rendering.file) == (Reason.PROTOCOL_VIOLATION, None)


@pytest.mark.parametrize("name", ["claim_more", "claim_more_inline", "return_nothing", "return_size_with_file"])
def test_worker_that_returns_something_else_than_a_size_is_not_believed(
    use_hook: Callable[..., Renderer], name: str
) -> None:
    with use_hook(name) as renderer:
        inspection = inspect(renderer, b"x")
    (outcome,) = inspection.result.result  # type: ignore[union-attr]
    assert (outcome.detail.reason, inspection.found) == (Reason.PROTOCOL_VIOLATION, None)  # type: ignore[union-attr]


def test_supervisor_that_dies_twice_fails_the_picture_by_name(use_hook: Callable[..., Renderer]) -> None:
    with use_hook("kill_supervisor", mode=SandboxMode.OFF) as renderer:
        (detail,) = details(render(renderer, b"x", job()))
    assert detail.reason is Reason.INTERRUPTED
    assert "supervisor died" in detail.error


def test_worker_that_is_killed_is_a_result(draw_bytes: DrawBytes) -> None:
    with Renderer(PoolOptions(workers=1, retries=0, timeout=0.001), SandboxMode.OFF) as renderer:
        rendering = render(renderer, draw_bytes("a.png", size=(3000, 3000)), job("a.png"))
    assert isinstance(rendering.result, WorkerLost)
    assert rendering.result.item == job("a.png")


def test_end_of_the_renderer_fails_what_is_not_done(draw_bytes: DrawBytes) -> None:
    renderer = Renderer(PoolOptions(workers=1))
    with renderer, sealed_memfd(draw_bytes("a.png", size=(2000, 2000))) as file:
        futures = [renderer.submit(job("a.png"), RECIPE, file) for _ in range(8)]
        assert futures[-1].cancel()
    assert isinstance(futures[0].exception(1), BrokenPoolError)
    with pytest.raises(CancelledError):
        futures[-1].result(1)


def test_stats_name_the_workers_and_the_sandbox(renderer: Renderer, draw_bytes: DrawBytes) -> None:
    assert (renderer.stats.workers, renderer.stats.sandbox) == (2, ())
    render(renderer, draw_bytes(), job()).close()
    assert renderer.stats.busy_seconds > 0
    assert set(renderer.stats.sandbox_missing) == set(missing_layers())


def test_environment_keeps_what_the_interpreter_needs() -> None:
    kept = {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "/x", "LD_LIBRARY_PATH": "/y"}
    assert scrub_environment({**kept, "AWS_PROFILE": "x", "GOOGLE_APPLICATION_CREDENTIALS": "y"}) == kept


def test_hooks_are_importable() -> None:
    assert os.path.basename(render_hooks.__file__) == "render_hooks.py"
