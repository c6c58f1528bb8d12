"""Objects by key, on disk."""

import threading

from forkresize.batch.remote.object_index import ObjectIndex
from forkresize.store import ObjectInfo


def info(number: int) -> ObjectInfo:
    return ObjectInfo(f"a/{number}\udcff.jpg", number, number * 10, number * 20, etag=f"tag{number}", version=None)


def test_objects_are_found_by_key() -> None:
    index = ObjectIndex()
    index.add(info(number) for number in range(2000))
    wanted = [info(number).key for number in range(0, 4000, 2)]
    assert index.get_many(wanted) == {info(number).key: info(number) for number in range(0, 2000, 2)}
    assert index.get(info(7).key) == info(7)
    assert index.get("missing") is None
    assert index.get_many([]) == {}
    index.close()


def test_the_last_of_equal_keys_counts_and_only_versions_of_stores_are_kept() -> None:
    index = ObjectIndex()
    index.add([ObjectInfo("a", 1, 1, 1, version=(3, 4)), ObjectInfo("b", 1, 1, 1, version="v1")])
    index.add([ObjectInfo("a", 2, 2, 2)])
    assert index.get("a") == ObjectInfo("a", 2, 2, 2)
    found = index.get("b")
    assert found is not None
    assert found.version == "v1"
    index.close()


def test_threads_may_look_up_while_another_adds() -> None:
    index = ObjectIndex()
    missing: list[int] = []

    def look() -> None:
        for number in range(300):
            found = index.get(info(number).key)
            if found is not None and found != info(number):
                missing.append(number)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        index.add([info(number)])
    for thread in threads:
        thread.join()
    assert missing == []
    index.close()
