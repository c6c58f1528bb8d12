"""The HTML report, without a browser."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from forkresize import units
from forkresize.outcome import Execution, Outcome, OutputRef, Pruned, Reason, Written
from forkresize.report.html import Excerpt
from forkresize.report.html import data as page_data
from tests.protocols import MakeOutcome, MakePage

VOID = frozenset("meta link img input br".split())
OUTSIDE = re.compile(
    r"(?:src|href|action)=\"(?!data:|#)|url\((?!data:)|@import|fetch\(|XMLHttpRequest|https?://(?!github\.com/leeoniya)"
)


class _Checked(HTMLParser):
    """Parses a page, and fails if its elements are not nested."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "style"}:
            self.text.append(data)

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for each, attributes in self.elements if each == tag)


def _every(excerpts: Sequence[Excerpt]) -> Mapping[Excerpt, bytes]:
    return dict.fromkeys(excerpts, b"picture")


def _thumbnails(excerpts: Sequence[Excerpt]) -> Mapping[Excerpt, bytes]:
    return {excerpt: b"picture" for excerpt in excerpts if not excerpt.box}


def _size(count: int) -> str:
    return units.format_size(count).replace(" ", "\N{NO-BREAK SPACE}")


def _read(page: str) -> _Checked:
    checked = _Checked()
    checked.feed(page)
    checked.close()
    assert not checked.open
    return checked


def _data(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_page_has_every_section_and_needs_no_network(made: MakePage, outcomes: list[Outcome]) -> None:
    page = made(*outcomes, draw=_every)
    checked = _read(page)
    ids = {attributes["id"] for _, attributes in checked.elements if "id" in attributes}
    assert ids >= set("glance failed skipped course saved sheet details extremes records table data".split())
    text = " ".join(checked.text)
    for part in (
        "1 failed, 1 written",
        "93.3%",
        "exit code 1",
        "75% busy, 1 lost",
        "damaged or truncated",
        "jpeg → webp",
    ):
        assert part in text
    assert not OUTSIDE.search(page)


def test_empty_run_has_a_page(made: MakePage) -> None:
    page = made()
    assert "Success" in page
    assert _data(page)["rows"] == []
    _read(page)


def test_dry_run_has_a_page(made: MakePage, due: MakeOutcome) -> None:
    [row] = _data(made(due()))["rows"]
    assert row[:2] == ["in/d.jpg", "planned"]


def test_controls_and_images_have_names(made: MakePage, written: MakeOutcome) -> None:
    checked = _read(made(written(), draw=_every, info={"command": "forkresize"}))
    assert all(image["alt"] for image in checked.all("img"))
    assert all(field.get("aria-label") or field.get("id") for field in checked.all("input"))
    assert all(place.get("aria-label") for _, place in checked.elements if place.get("role") in {"img", "region"})
    assert all(head.get("scope") in {"col", "row"} for head in checked.all("th"))
    levels = [int(tag[1]) for tag, _ in checked.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2, 3}
    assert list(checked.all("pre"))


def test_the_page_shows_the_command_and_the_recipe(made: MakePage) -> None:
    page = made(info={"command": "forkresize in out --name '<b>\x1b'", "recipe": "[[steps]]\nstep = '<i>'\n"})
    checked = _read(page)
    assert "forkresize in out --name '<b>\\x1b'" in checked.text
    assert "[[steps]]\nstep = '<i>'" in checked.text
    assert "Recipe" not in made()


def test_losses_have_a_card_and_come_first(made: MakePage, written: MakeOutcome) -> None:
    outcomes = [written(f"{n}.jpg", warnings=("odd",)) for n in range(3)]
    page = made(*outcomes, written("deep.png", warnings=("reduced from 16 to 8 bits per channel",)))
    assert "<dt>Warnings</dt><dd><b>1</b><span>a part of the image was lost</span>" in page
    text = " ".join(" ".join(_read(page).text).split())
    assert "reduced to 8 bits per channel: reduced from 16 to 8 bits per channel 1 in/deep.png odd 3 in/0.jpg" in text


def test_warnings_have_a_group_of_each_kind(made: MakePage, written: MakeOutcome) -> None:
    outcomes = [written(f"{n}.jpg", warnings=(f"text {n} was dropped: <{n}>",)) for n in range(12)]
    page = made(*outcomes, written("z.jpg", warnings=("no profile",)), written("fine.jpg"))
    assert "<dt>Warnings</dt>" not in page
    text = " ".join(" ".join(_read(page).text).split())
    assert "text 0 was dropped 12 in/0.jpg text 0 was dropped: <0> in/1.jpg text 1" in text
    assert "… and 2 more no profile 1 in/z.jpg" in text
    assert [row[0] for row in _data(page)["rows"]][-1] == "in/fine.jpg"


def test_a_rare_loss_is_shown_beside_any_number_of_frequent_warnings(made: MakePage, written: MakeOutcome) -> None:
    odd = tuple("odd" + "!" * number for number in range(120))
    outcomes = [written(f"{n}.jpg", warnings=odd) for n in range(2)]
    page = made(*outcomes, written("deep.png", warnings=("reduced from 16 to 8 bits per channel",)))
    text = " ".join(" ".join(_read(page).text).split())
    assert "reduced to 8 bits per channel: reduced from 16 to 8 bits per channel 1 in/deep.png odd 2 in/0.jpg" in text


def test_a_run_without_warnings_has_no_card_for_them(made: MakePage, written: MakeOutcome) -> None:
    page = made(written())
    assert "Warnings" not in page
    assert "Not needed" not in page


def test_outputs_that_are_not_needed_are_apart_from_skipped_sources(made: MakePage, skipped: MakeOutcome) -> None:
    page = made(skipped("small.jpg", reason=Reason.DUPLICATE), skipped("small.jpg", reason=Reason.DUPLICATE), skipped())
    assert "<dt>Skipped</dt><dd><b>1</b>" in page
    assert "<dt>Not needed</dt><dd><b>2</b><span>same as a smaller rendition</span>" in page
    text = " ".join(" ".join(_read(page).text).split())
    assert "Skipped not a picture 1 in/notes.txt" in text
    assert "Not needed same as a smaller rendition 2" in text
    assert sorted(row[1] for row in _data(page)["rows"]) == ["not needed", "not needed", "skipped"]


@pytest.mark.parametrize(
    ("kinds", "ending", "headline"),
    [
        (["written", "failed", "unchanged"], {}, "1 failed, 1 written"),
        (["unchanged"], {}, "up to date"),
        ([], {}, "nothing done"),
        (["written"], {"stopped_by": "SIGINT", "exit_code": 130}, "stopped early, 1 written"),
        (["written"], {"refused": "too many", "exit_code": 3}, "refused, 1 written"),
    ],
)
def test_the_title_says_how_the_run_ended_where_and_when(
    kinds: list[str], ending: dict[str, Any], headline: str, made: MakePage, request: pytest.FixtureRequest
) -> None:
    page = made(*(request.getfixturevalue(kind)() for kind in kinds), **ending)
    assert f"<title>{headline} · out · 2026-11-23 08:47 · forkresize</title>" in page


def test_the_time_is_that_of_the_machine_of_the_run(made: MakePage) -> None:
    summer = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=2), "CEST"))
    page = made(info={"started": summer})
    assert '<time id="started" datetime="2026-07-01T09:30:00+02:00">2026-07-01 09:30:00 CEST</time>' in page


EVIL = (
    "</script><script>alert(1)</script>.jpg",
    "<!--<script>.jpg",
    "\"><img src=x onerror='alert(1)'>&amp;.jpg",
    "{{ 7 * 7 }}{% raw %}.jpg",
    "\u2028\u2029\u202egpj.exe",
)


@pytest.mark.parametrize("evil", EVIL)
def test_names_are_escaped(evil: str, made: MakePage, written: MakeOutcome, failed: MakeOutcome) -> None:
    harmless = _read(made(written("a"), failed("b", error="c"), draw=_every))
    attacked = _read(made(written(evil), failed(evil + "2", error=evil), draw=_every))
    assert [tag for tag, _ in attacked.elements] == [tag for tag, _ in harmless.elements]
    assert [sorted(its) for _, its in attacked.elements] == [sorted(its) for _, its in harmless.elements]


def test_data_holds_any_name(made: MakePage, failed: MakeOutcome, hostile: str) -> None:
    [row] = _data(made(failed(hostile)))["rows"]
    assert row[0].startswith("in/")
    assert row[0].isprintable()
    assert row[2] == "damaged or truncated: truncated"


def test_table_holds_failures_first_and_counts_the_omitted_records(
    monkeypatch: pytest.MonkeyPatch,
    made: MakePage,
    written: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> None:
    monkeypatch.setattr(page_data, "MAX_ROWS", 3)
    slow = replace(written("slow.jpg"), execution=Execution(1, 4711, seconds=9.0))
    page = made(written("quick.jpg"), slow, skipped(), failed())
    assert [row[0] for row in _data(page)["rows"]] == ["in/bad.jpg", "in/notes.txt", "in/slow.jpg"]
    assert "The table holds 3 of 4 records" in page


def test_failures_are_grouped_with_examples(made: MakePage, failed: MakeOutcome) -> None:
    outcomes = [failed(f"{number}.jpg") for number in range(12)] + [failed("x.jpg", reason=Reason.TIMED_OUT)]
    text = " ".join(" ".join(_read(made(*outcomes)).text).split())
    assert "damaged or truncated 12" in text
    assert "timed out 1" in text
    assert "… and 2 more" in text


def test_curves_and_extremes_count_a_source_once(made: MakePage, written: MakeOutcome) -> None:
    first = written("a.jpg")
    page = made(first, replace(first, ref=OutputRef(first.source, "out/a-2.jpg", 1)), written("b.jpg"))
    timeline = _data(page)["timeline"]
    assert sum(timeline["pictures"]) * 4 == pytest.approx(2 * len(timeline["times"]))
    slowest = page[page.index("<caption>The slowest") : page.index("<caption>The largest")]
    assert slowest.count("in/a.jpg") == 1


def test_a_source_counts_once_in_all_savings(made: MakePage, written: MakeOutcome) -> None:
    first = written("a.jpg")
    source = first.source
    jpeg = replace(first.detail, out_format="jpeg")
    outcomes = [
        first,
        replace(first, ref=OutputRef(source, "out/a-2.webp", 1)),
        replace(first, ref=OutputRef(source, "out/a.jpg", 2), detail=jpeg),
        written("b.jpg"),
    ]
    page = made(*outcomes)
    [card] = re.findall(r"<dt>Saved</dt><dd><b>(.*?)</b><span>(.*?) → (.*?)</span>", page)
    rows = re.findall(r'<th role="rowheader" scope="row">(.*?)</th>(.*?)</tr>', page[page.index('id="saved"') :])
    cells = {head: re.findall(r">([^<]+)</td>", row) for head, row in rows}
    assert isinstance(first.detail, Written)
    one, out = source.size, first.detail.out_bytes
    assert cells == {
        "jpeg → webp": ["3", _size(2 * one), _size(3 * out), units.format_change(2 * one, 3 * out)],
        "jpeg → jpeg": ["1", _size(one), _size(out), units.format_change(one, out)],
        "All formats": ["4", _size(2 * one), _size(4 * out), units.format_change(2 * one, 4 * out)],
    }
    assert card == (cells["All formats"][3].removesuffix(" saved"), *cells["All formats"][1:3])


def test_contact_sheet_shows_sixty_sources_once(made: MakePage, written: MakeOutcome) -> None:
    outcomes: list[Outcome] = []
    for number in range(80):
        first = written(f"{number}.jpg", size=1000 + number)
        outcomes += [first, replace(first, ref=OutputRef(first.source, f"out/{number}-2.jpg", 1))]
    checked = _read(made(*outcomes, draw=_thumbnails))
    before = [str(image["alt"]) for image in checked.all("img") if str(image["alt"]).startswith("Before")]
    assert len(before) == len(set(before)) == 60
    assert "Before: in/79.jpg" in before


def test_pictures_without_thumbnails_are_omitted(made: MakePage, written: MakeOutcome) -> None:
    def only_a(excerpts: Sequence[Excerpt]) -> Mapping[Excerpt, bytes]:
        return {excerpt: b"picture" for excerpt in excerpts if excerpt.path != "out/b.jpg" and not excerpt.box}

    checked = _read(made(written("a.jpg"), written("b.jpg"), draw=only_a))
    assert [image["alt"] for image in checked.all("img")] == ["Before: in/a.jpg", "After: out/a.jpg"]


def test_outputs_made_in_place_have_no_before(made: MakePage, written: MakeOutcome) -> None:
    outcome = written("a.jpg")
    replaced = replace(outcome, ref=OutputRef(outcome.source, "in/a.jpg"))
    checked = _read(made(replaced, draw=_every))
    assert not list(checked.all("img"))


def test_pruned_outputs_are_counted(made: MakePage, unchanged: MakeOutcome) -> None:
    gone = Outcome(OutputRef(unchanged().source, "out/u.jpg"), Pruned(9))
    page = made(gone)
    assert "<dt>Pruned</dt><dd><b>1</b>" in page
    assert [row[1] for row in _data(page)["rows"]] == ["pruned"]


def test_refusal_is_not_shown_as_an_early_end(made: MakePage) -> None:
    page = made(exit_code=3, refused="--max-prune 10%: <all> are lost")
    assert ">Refused</span>" in page
    assert "--max-prune 10%: &lt;all&gt; are lost." in page
    assert "early" not in page


def test_overflowing_sizes_do_not_break_the_report(made: MakePage, written: MakeOutcome) -> None:
    outcome = written()
    huge = replace(outcome.detail, out_bytes=(1 << 63) - 1)
    lies = [replace(outcome, ref=OutputRef(outcome.source, f"out/{n}.jpg"), detail=huge) for n in range(3)]
    _read(made(*lies))
