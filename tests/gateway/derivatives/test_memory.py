from forkresize.gateway.derivatives.memory import Derivative, HotDerivatives, Identity

ONE: Identity = ("a", 1, 1, None, None, b"one")
TWO: Identity = ("a", 2, 1, None, None, b"one")


def picture(size: int) -> Derivative:
    return Derivative(b"x" * size, "image/webp")


def test_the_pictures_that_were_not_asked_for_lately_make_room() -> None:
    memory = HotDerivatives(160)
    for number in range(16):
        memory.add(number, ONE, picture(10))
    assert memory.find(0, ONE) == picture(10)
    memory.add("new", ONE, picture(10))
    assert memory.size == 160
    assert [number for number in range(16) if memory.find(number, ONE) is None] == [1]


def test_a_picture_of_another_version_is_replaced() -> None:
    memory = HotDerivatives(160)
    memory.add("a", ONE, picture(10))
    assert memory.find("a", TWO) is None
    memory.add("a", TWO, picture(5))
    assert (memory.find("a", ONE), memory.find("a", TWO), memory.size) == (None, picture(5), 5)


def test_a_large_picture_does_not_push_out_all_others() -> None:
    memory = HotDerivatives(160)
    memory.add("a", ONE, picture(11))
    assert (memory.find("a", ONE), memory.size) == (None, 0)
