"""What ``forkresized status`` prints, from what it has collected."""

from typing import Any

from forkresize.daemon.status import format_status

NODE = {
    "name": "attic-1a2b3c",
    "state": "ready",
    "workers": 8,
    "chunks": 2,
    "seen_seconds": 1.4,
    "allow": ["s3://photos/in", "s3://web/out"],
}
RUN = {
    "run": 17,
    "state": "closed",
    "pictures": 1000,
    "pictures_done": 250,
    "chunks": {"pending": 3, "leased": 1, "done": 1, "cancelled": 0},
    "losses": 1,
    "age_seconds": 192.0,
    "destination": "s3://web/out",
    "refusal": "",
}
CHUNK = {"run": 17, "number": 4, "node": "attic-1a2b3c", "made": 12, "count": 256, "seconds": 9.6}


def test_each_table_has_its_columns() -> None:
    found = {"nodes": [NODE], "queues": {"batch": 3, "interactive": 0}, "runs": [RUN], "chunks": [CHUNK]}
    assert (
        format_status(found)
        == """\
NODE          STATE  WORKERS  CHUNKS  SEEN  MAY USE
attic-1a2b3c  ready  8        2       1 s   s3://photos/in s3://web/out

QUEUE        MESSAGES
batch        3
interactive  0

RUN  STATE   PICTURES  PENDING  AT WORK  DONE  NODES LOST  AGE    DESTINATION
17   closed  250/1000  3        1        1     1           3 min  s3://web/out

RUN  CHUNK  NODE          PICTURES  TIME
17   4      attic-1a2b3c  12/256    10 s
"""
    )


def test_a_cluster_without_anything_is_described_in_words() -> None:
    found: dict[str, Any] = {"nodes": [], "queues": {}, "runs": [], "chunks": []}
    expected = "no node is connected\n\nno queues\n\nno runs\n\nno chunk is worked on\n"
    assert format_status(found) == expected


def test_a_run_that_no_node_takes_says_why_and_cannot_change_the_terminal() -> None:
    found: dict[str, Any] = {"nodes": [], "queues": {}, "runs": [{**RUN, "refusal": "a: s3://x\x1b[1m"}], "chunks": []}
    lines = format_status(found).splitlines()
    assert "run 17 waits: a: s3://x\\x1b[1m" in lines
