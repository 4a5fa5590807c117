"""What a pickle would make, judged from its operations before it is unpickled.

Even where no code can run, the unpickler of C trusts a pickle's numbers: it makes room for any
index of its memo and for any stated length, and it hashes tuples nested to any depth. The scan
reads the operations alone, bounds all of these by the bytes that are there, and finds the end.
"""

import io
import pickletools
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

# A published AV-HuBERT file of 217 tensors, with settings, dictionary and optimiser, has 23,538
# operations. One makes up to 1 kB of objects, 500 MB in the worst case, and the scan reads 190,000
# a second.
MAX_OPERATIONS = 500_000
MAX_BYTES = 32 << 20

# Tensors need a few names, and settings one for each class. Each name takes 1 kB.
MAX_NAMES = 10_000

# Tuples are hashed by recursion, once for each path to an item: nesting multiplies these.
MAX_TUPLE_DEPTH = 100

MAX_LINE_BYTES = 1 << 20

# Items that all keys of dictionaries and members of sets may have together: each is hashed.
MAX_HASHED = 10_000_000

STORE = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
RECALL = {"GET", "BINGET", "LONG_BINGET"}
NAMES = {"GLOBAL", "STACK_GLOBAL", "INST"}
TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}
HASHING = {"SETITEM", "SETITEMS", "DICT", "ADDITEMS", "FROZENSET"}
# The first object that these take stays on the stack.
CHANGES = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}
# Classes by number in a table of this process, and data that lie outside the file.
UNKNOWN = {"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}


def scan(file: io.BufferedIOBase, *, num_bytes: int) -> bytes:
    """The pickle at the position of `file`, to its end; `num_bytes` are left in the file.

    ValueError if it is incomplete, or if it would take far more memory or time than its bytes.
    """
    start = file.tell()
    reader = _Reader(file, min(num_bytes, MAX_BYTES))
    machine = _Machine()
    num_names = 0
    for number, (operation, argument, position) in enumerate(_operations(reader)):
        num_names += operation.name in NAMES
        if number > MAX_OPERATIONS or num_names > MAX_NAMES:
            raise ValueError(
                f"its pickle has more than {MAX_OPERATIONS:,} operations or {MAX_NAMES:,} names of "
                "classes; weights need far fewer"
            )
        if operation.name == "FRAME" and argument > reader.num_left:
            raise ValueError(f"it is incomplete: a part of {argument} bytes of its pickle is cut")
        machine.apply(operation, argument, position=position - start)
    length = file.tell() - start
    file.seek(start)
    return file.read(length)


def _operations(reader: "_Reader") -> Iterator[tuple[Any, Any, Any]]:
    try:
        yield from pickletools.genops(cast(Any, reader))
    except ValueError as error:
        if reader.num_left <= 0 and reader.limit == MAX_BYTES:
            raise ValueError(
                f"its pickle has more than {MAX_BYTES >> 20} MiB; weights need far less"
            ) from error
        raise


class _Value(NamedTuple):
    """An object on the stack: how deep tuples nest in it, and what a hash of it would visit."""

    depth: int = 0
    num_items: int = 1


class _Machine:
    """The stack and the memo of the unpickler, with sizes in place of objects."""

    def __init__(self) -> None:
        self._stack: list[_Value | None] = []  # None where the items of the next container begin
        self._memo: dict[int, _Value] = {}
        self._num_hashed = 0

    def apply(self, operation: Any, argument: Any, *, position: int) -> None:
        """Does what `operation`, at byte `position`, makes the unpickler do."""
        name = operation.name
        if name in UNKNOWN:
            raise ValueError(f"its pickle has the operation {name}, which torch.save never writes")
        if name in STORE:
            self._store(len(self._memo) if name == "MEMOIZE" else argument, position=position)
        elif name in RECALL:
            if argument not in self._memo:
                raise ValueError(f"its pickle recalls object {argument}, which it did not store")
            self._stack.append(self._memo[argument])
        elif name == "DUP":
            self._stack.append(self._top())
        elif name == "MARK":
            self._stack.append(None)
        else:
            self._make(operation)

    def _store(self, index: int, *, position: int) -> None:
        # Picklers count, and a store takes two bytes, so a higher index is none of theirs. The
        # unpickler makes room for twice the index, in pointers.
        if not 0 <= index <= position:
            raise ValueError(
                f"its pickle stores an object as number {index} after {position} bytes, which "
                "would take memory for all the numbers before"
            )
        self._memo[index] = self._top()

    def _make(self, operation: Any) -> None:
        """Takes objects from the stack, and puts what `operation` makes of them there."""
        taken, made = self._taken(operation), _Value()
        if operation.name in HASHING:
            self._num_hashed += sum(value.num_items for value in taken)
        if operation.name in TUPLES:
            depth = 1 + max((value.depth for value in taken), default=0)
            made = _Value(depth, 1 + sum(value.num_items for value in taken))
        if made.depth > MAX_TUPLE_DEPTH or self._num_hashed > MAX_HASHED:
            raise ValueError(
                f"its pickle nests tuples {made.depth} deep or has {self._num_hashed:,} keys and "
                f"parts of keys; at most {MAX_TUPLE_DEPTH} and {MAX_HASHED:,} are allowed"
            )
        if operation.name in CHANGES:
            made = taken[0]
        self._stack += [made] * len(operation.stack_after)

    def _taken(self, operation: Any) -> list[_Value]:
        """Removes from the stack what `operation` takes, and returns it, the lowest first."""
        before = operation.stack_before
        taken = []
        if operation.name == "POP" and self._stack and self._stack[-1] is None:
            self._stack.pop()
            return []
        if pickletools.markobject in before:
            while self._top_or_mark() is not None:
                taken.append(self._pop())
            self._stack.pop()
            before = before[: before.index(pickletools.markobject)]
        taken += [self._pop() for _ in before]
        return taken[::-1]

    def _top_or_mark(self) -> _Value | None:
        if not self._stack:
            raise ValueError("its pickle takes more objects than it has made")
        return self._stack[-1]

    def _top(self) -> _Value:
        value = self._top_or_mark()
        if value is None:
            raise ValueError("its pickle takes more objects than it has made")
        return value

    def _pop(self) -> _Value:
        value = self._top()
        self._stack.pop()
        return value


class _Reader:
    """The next bytes of a file, for pickletools; it never asks for more than `limit` of them."""

    def __init__(self, file: io.BufferedIOBase, limit: int):
        self._file = file
        self.limit = self.num_left = limit

    def read(self, num_bytes: int) -> bytes:
        """Up to `num_bytes`. A file would make room for all that it is asked for."""
        return self._counted(self._file.read(min(num_bytes, self.num_left)))

    def readline(self) -> bytes:
        """The bytes to the end of a line, or as many as a line may have."""
        return self._counted(self._file.readline(min(MAX_LINE_BYTES, self.num_left)))

    def tell(self) -> int:
        """The position in the file."""
        return self._file.tell()

    def _counted(self, data: bytes) -> bytes:
        self.num_left -= len(data)
        return data
