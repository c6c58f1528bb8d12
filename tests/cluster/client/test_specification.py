"""The specification of a run for nodes."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkresize import Recipe, Settings
from forkresize.batch import prepare
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.cluster.client.specification import location_for_nodes, specify
from forkresize.cluster.spec import RunSpec, decode_spec
from forkresize.errors import FieldError
from forkresize.pool import PoolOptions
from forkresize.recipe import from_bytes


def _specify(tmp_path: Path, recipe: Recipe) -> RunSpec:
    (tmp_path / "in").mkdir(exist_ok=True)
    headers = {"x-amz-meta-team": "web"}
    settings = Settings(pool=PoolOptions(timeout=7, retries=3), cache_control="max-age=60", metadata_header=headers)
    return specify(prepare([tmp_path / "in"], tmp_path / "out", recipe, settings))


def test_nodes_get_what_a_run_on_one_machine_uses(tmp_path: Path) -> None:
    recipe = Recipe.of(width=[8, 16])
    spec = _specify(tmp_path, recipe)
    assert from_bytes(spec.recipe.encode()) == recipe
    assert (spec.timeout, spec.retries) == (7.0, 3)
    assert (spec.cache_control, spec.metadata) == ("max-age=60", {"x-amz-meta-team": "web"})
    prints = fingerprint_recipe(recipe, 7.0, Settings().memory)
    assert [bytes.fromhex(each) for each in spec.renditions] == list(prints.renditions)
    assert bytes.fromhex(spec.combined) == prints.combined
    assert set(spec.limits) == set(prints.limits)


@pytest.mark.parametrize("timeout", [None, float("inf")])
def test_a_run_without_a_time_limit_has_none_on_nodes(tmp_path: Path, timeout: float | None) -> None:
    (tmp_path / "in").mkdir()
    settings = Settings(pool=PoolOptions(timeout=timeout, retries=0))
    spec = specify(prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), settings))
    assert (spec.timeout, spec.retries) == (None, 0)
    assert decode_spec(spec.encode()) == spec


def test_more_retries_than_nodes_accept_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), Settings(pool=PoolOptions(retries=101)))
    with pytest.raises(FieldError, match="retries: invalid value 101: on a cluster, it must be at most 100"):
        specify(plan)


def test_headers_of_outputs_go_to_the_nodes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    settings = Settings(cache_control="max-age=60", metadata_header={"x": "y"})
    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8))
    spec = specify(replace(plan, settings=settings))
    assert (spec.cache_control, spec.metadata) == ("max-age=60", {"x": "y"})


def test_local_directories_are_shared_ones(tmp_path: Path) -> None:
    spec = _specify(tmp_path, Recipe.of(width=8))
    assert spec.sources == [f"file://{tmp_path}/in"]
    assert spec.destination == f"file://{tmp_path}/out"


def test_of_files_that_are_named_one_by_one_nodes_get_the_directories(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    named = [tmp_path / name for name in ("a/1.jpg", "a/2.jpg", "b")]
    spec = specify(prepare(named, tmp_path / "out", Recipe.of(width=8)))
    assert spec.sources == [f"file://{tmp_path}/a", f"file://{tmp_path}/b"]


def test_it_survives_the_way_to_the_database(tmp_path: Path) -> None:
    spec = _specify(tmp_path, Recipe.of(width=8))
    read = decode_spec(spec.encode())
    assert read == spec
    assert read.digest == spec.digest


@pytest.mark.parametrize(
    ("location", "url"),
    [("s3://b/ä b", "s3://b/ä b"), ("/srv/a b", "file:///srv/a%20b"), ("/srv/ü", "file:///srv/%C3%BC")],
)
def test_urls_are_kept_and_paths_are_quoted(location: str, url: str) -> None:
    assert location_for_nodes(location, "sources") == url


def test_a_path_that_is_not_text_is_refused() -> None:
    with pytest.raises(FieldError, match="is not valid UTF-8") as error:
        location_for_nodes(os.fsdecode(b"/srv/\xff"), "destination")
    assert error.value.field == "destination"


def test_a_watermark_from_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes((Path(__file__).parents[3] / "docs/images/report.webp").read_bytes())
    with pytest.raises(FieldError, match="its nodes do not have the file"):
        _specify(tmp_path, Recipe.of(width=8, watermark=str(tmp_path / "logo.png")))
