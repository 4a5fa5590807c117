"""Items are made in another thread while those before them are used, and nothing else changes."""

import threading

import pytest

from avsync.media.read_ahead import in_turn, read_ahead


def test_all_items_come_in_order_whatever_the_size_of_the_parts():
    for size in (1, 3, 10, 11):
        with read_ahead(range(10), is_full=lambda part, size=size: len(part) >= size) as items:
            assert list(items) == list(range(10))
    with read_ahead([], is_full=bool) as items:
        assert list(items) == []


def test_in_turn_makes_an_item_when_it_is_asked_for():
    made = []
    with in_turn((made.append(number) or number for number in range(9)), is_full=bool) as items:
        assert [next(items), next(items)] == [0, 1]
    assert made == [0, 1]


def test_the_next_item_is_made_while_one_is_used():
    is_made = threading.Event()

    def two_items():
        yield 1
        is_made.set()
        yield 2

    with read_ahead(two_items(), is_full=bool) as items:
        assert next(items) == 1
        assert is_made.wait(timeout=60)
        assert next(items) == 2


def test_no_more_than_two_parts_are_made_ahead():
    made = []
    source = (made.append(number) or number for number in range(100))
    with read_ahead(source, is_full=lambda part: len(part) >= 5) as items:
        next(items)
    # The context has ended, and with it the part that was at work.
    assert made == list(range(10))


def test_an_error_comes_through_once_the_parts_before_it_are_used():
    def breaks():
        yield from (1, 2)
        raise LookupError("broken")

    used = []
    with read_ahead(breaks(), is_full=bool) as items, pytest.raises(LookupError, match="broken"):
        used.extend(items)
    assert used == [1, 2]


def test_the_source_is_at_rest_after_an_error_of_the_user():
    """A file must not be closed while a thread decodes it."""
    is_going_on = threading.Event()

    def slow():
        yield 1
        is_going_on.wait(timeout=60)
        yield 2
        yield 3

    source = slow()
    timer = threading.Timer(0.2, is_going_on.set)
    with pytest.raises(LookupError), read_ahead(source, is_full=bool) as items:
        next(items)
        timer.start()
        raise LookupError
    assert is_going_on.is_set()
    source.close()  # raises ValueError if it is at work
