"""Clips that several processes can make: those of an item depend on no other item."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from avsync.types import Clip

# Makes the clips of some items, in order; what is no clip says which could not be made.
# Picklable, and holds no more than it needs.
Make = Callable[[], Iterable[Any]]


class Portioned(Iterable[Clip]):
    """The clips of `items`, in their order.

    `portion(items)` returns what makes the clips of consecutive items. `conclude` is called with
    all that was left out, once the last clip is made, here or in other processes.
    """

    def __init__(
        self,
        items: Sequence[Any],
        portion: Callable[[Sequence[Any]], Make],
        *,
        conclude: Callable[[Sequence[Any]], None] = lambda left_out: None,
    ):
        self.items, self.portion, self.conclude = items, portion, conclude

    def __iter__(self) -> Iterator[Clip]:
        left_out = []
        # One by one: `portion` may read what it holds.
        for index in range(len(self.items)):
            for made in self.portion(self.items[index : index + 1])():
                if isinstance(made, Clip):
                    yield made
                else:
                    left_out.append(made)
        self.conclude(left_out)


@runtime_checkable
class Stored(Protocol):
    """Prepared clips of which a part can be sent to another process."""

    def only(self, clip_ids: Iterable[str]) -> Mapping[str, Clip]:
        """The clips with these ids, none of which is read."""
        ...

    def identity(self, clip_id: str) -> str:
        """The identity of a clip, which is not read."""
        ...


def only(prepared: Mapping[str, Clip], clip_ids: Iterable[str]) -> Mapping[str, Clip]:
    """The clips with these ids."""
    if isinstance(prepared, Stored):
        return prepared.only(clip_ids)
    return {clip_id: prepared[clip_id] for clip_id in clip_ids}


def identity(prepared: Mapping[str, Clip], clip_id: str) -> str:
    """The identity of a clip, read only if there is no other way."""
    if isinstance(prepared, Stored):
        return prepared.identity(clip_id)
    return prepared[clip_id].identity
