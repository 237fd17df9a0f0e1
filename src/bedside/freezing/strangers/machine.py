"""Follows a pickle's program over values that stand for what it would make; nothing is made.

Only what decides "which name does it import, and what does it call" is kept: texts, small
tuples and dictionaries, imported names, the memo. A name that cannot be resolved this way, a
call of something that is no imported name, and an extension code count as doubts, and a file
with a doubt counts as code.

Source: Python's Lib/pickle.py (class _Unpickler) and Lib/pickletools.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bedside.freezing.strangers.arrays import WRAPPER, holds_objects, is_array, pass_over
from bedside.freezing.strangers.calls import odd_call
from bedside.freezing.strangers.findings import Findings
from bedside.freezing.strangers.names import is_storage
from bedside.freezing.strangers.opcodes import Opcode, read_opcodes
from bedside.freezing.strangers.stream import Lost, Stream
from bedside.freezing.strangers.values import (
    MOST_PARTS,
    Global,
    Group,
    Made,
    Table,
    Unknown,
    Value,
)

MOST_DEEP: Final = 8
"""Pickles within pickles, as joblib nests them for arrays of objects."""

HIGHEST_PROTOCOL: Final = 5

WATCHED: Final = frozenset(
    {
        *("GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD"),
        *("EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"),
    }
)
"""Opcodes that import, call, change an object, or ask the reader for one."""


def follow(stream: Stream, findings: Findings, depth: int = 0, *, arrays: bool = False) -> None:
    """Follow one pickle from here to its STOP; add what it would do to `findings`.

    Args:
        stream: Where the pickle begins.
        findings: What is added to.
        depth: In how many pickles it stands.
        arrays: Whether its reader is joblib's, which finds the bytes of arrays in it.

    Raises:
        Lost: it cannot be followed to its end.
    """
    if depth > MOST_DEEP:
        raise Lost(f"it nests more than {MOST_DEEP} pickles")
    machine = _Machine(stream, findings, depth, arrays=arrays)
    steps = _steps()
    for opcode in read_opcodes(stream, findings.budget):
        if opcode.name in WATCHED:
            findings.opcodes[opcode.name] += 1
        steps[opcode.name](machine, opcode)


class _Machine:
    """Stack and memo of one pickle."""

    def __init__(self, stream: Stream, findings: Findings, depth: int, *, arrays: bool) -> None:
        self.stream, self.findings, self.depth = stream, findings, depth
        self.arrays, self.frame_end = arrays, 0
        self.stack: list[Value] = []
        self.memo: dict[int, Value] = {}

    def pop(self) -> Value:
        if not self.stack or self.stack[-1] is Unknown.MARK:
            raise Lost("it takes a value that is not there")
        return self.used(self.stack.pop())

    def pop_callee(self) -> Value:
        if not self.stack or self.stack[-1] is Unknown.MARK:
            raise Lost("it takes a value that is not there")
        return self.stack.pop()

    def used(self, value: Value) -> Value:
        """Doubt a class of joblib's that is handed on: who makes an array of it is not seen."""
        if isinstance(value, Global) and value == WRAPPER:
            self.findings.doubt(
                f"it hands {WRAPPER.module}.{WRAPPER.name} on instead of calling it"
            )
        return value

    def top(self) -> Value:
        if not self.stack or self.stack[-1] is Unknown.MARK:
            raise Lost("it takes a value that is not there")
        return self.stack[-1]

    def pop_group(self) -> list[Value]:
        """Return the values above the last mark, and take the mark too."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is Unknown.MARK:
                group = [self.used(value) for value in self.stack[index + 1 :]]
                del self.stack[index:]
                return group
        raise Lost("it takes a group of values that was not begun")

    def group(self, parts: list[Value]) -> None:
        known = len(parts) <= MOST_PARTS
        self.stack.append(Group(tuple(parts)) if known else Unknown.PLAIN)

    # values

    def argument(self, opcode: Opcode) -> None:
        found = opcode.argument
        self.stack.append(Unknown.PLAIN if found is None or isinstance(found, tuple) else found)

    def plain(self, _opcode: Opcode) -> None:
        self.stack.append(Unknown.PLAIN)

    def byte_string(self, _opcode: Opcode) -> None:
        self.stack.append(Unknown.BYTES)

    def none(self, _opcode: Opcode) -> None:
        self.stack.append(None)

    def true(self, _opcode: Opcode) -> None:
        self.stack.append(True)

    def false(self, _opcode: Opcode) -> None:
        self.stack.append(False)

    def mark(self, _opcode: Opcode) -> None:
        self.stack.append(Unknown.MARK)

    def pop_one(self, _opcode: Opcode) -> None:
        if not self.stack:
            raise Lost("it takes a value that is not there")
        self.stack.pop()

    def pop_mark(self, _opcode: Opcode) -> None:
        self.pop_group()

    def twice(self, _opcode: Opcode) -> None:
        self.stack.append(self.top())

    def empty_table(self, _opcode: Opcode) -> None:
        self.stack.append(Table())

    def table(self, _opcode: Opcode) -> None:
        made = Table()
        _fill(made, self.pop_group())
        self.stack.append(made)

    def collection(self, _opcode: Opcode) -> None:
        self.pop_group()
        self.stack.append(Unknown.PLAIN)

    def empty_group(self, _opcode: Opcode) -> None:
        self.group([])

    def marked_group(self, _opcode: Opcode) -> None:
        self.group(self.pop_group())

    def counted_group(self, opcode: Opcode) -> None:
        parts = [self.pop() for _ in range(int(opcode.name[-1]))]
        self.group(parts[::-1])

    def set_item(self, _opcode: Opcode) -> None:
        value, key = self.pop(), self.pop()
        _fill(self.top(), [key, value])

    def set_items(self, _opcode: Opcode) -> None:
        pairs = self.pop_group()
        _fill(self.top(), pairs)

    def add_one(self, _opcode: Opcode) -> None:
        self.pop()
        self.top()

    def add_many(self, _opcode: Opcode) -> None:
        self.pop_group()
        self.top()

    # memo

    def put(self, opcode: Opcode) -> None:
        if not isinstance(opcode.argument, int):
            raise Lost(f"byte {opcode.position} names a place of the memo in an odd way")
        self.memo[opcode.argument] = self.top()

    def memoize(self, _opcode: Opcode) -> None:
        self.memo[len(self.memo)] = self.top()

    def get(self, opcode: Opcode) -> None:
        if not isinstance(opcode.argument, int) or opcode.argument not in self.memo:
            raise Lost(f"byte {opcode.position} asks the memo for what is not there")
        self.stack.append(self.memo[opcode.argument])

    # imports and calls

    def named(self, found: Global) -> Global:
        self.findings.add(found)
        return found

    def import_name(self, opcode: Opcode) -> None:
        assert isinstance(opcode.argument, tuple)  # noqa: S101 - the reader of GLOBAL and INST
        self.stack.append(self.named(Global(*opcode.argument)))

    def import_from_stack(self, opcode: Opcode) -> None:
        name, module = self.pop(), self.pop()
        if isinstance(name, str) and isinstance(module, str):
            self.stack.append(self.named(Global(module, name)))
            return
        self.findings.doubt(
            f"at byte {opcode.position} it imports a name that it puts together itself"
        )
        self.stack.append(Unknown.COMPUTED)

    def call(self, callee: Value, arguments: Value, opcode: Opcode) -> None:
        if not isinstance(callee, Global):
            self.findings.doubt(
                f"at byte {opcode.position} it calls something that is no imported name"
            )
        elif odd := odd_call(callee, arguments):
            self.findings.doubt(f"at byte {opcode.position} it {odd}")
        self.stack.append(Made(callee, arguments))

    def instance(self, opcode: Opcode) -> None:
        assert isinstance(opcode.argument, tuple)  # noqa: S101 - the reader of GLOBAL and INST
        arguments = Group(tuple(self.pop_group()[:MOST_PARTS]))
        self.call(self.named(Global(*opcode.argument)), arguments, opcode)

    def object(self, opcode: Opcode) -> None:
        group = self.pop_group()
        if not group:
            raise Lost("it makes an object of no class")
        self.call(group[0], Group(tuple(group[1 : MOST_PARTS + 1])), opcode)

    def reduce(self, opcode: Opcode) -> None:
        arguments, callee = self.pop(), self.pop_callee()
        self.call(callee, arguments, opcode)

    def new_with_names(self, opcode: Opcode) -> None:
        self.pop()
        self.pop()  # with names, no arguments are known
        self.call(self.pop_callee(), Unknown.COMPUTED, opcode)

    def build(self, opcode: Opcode) -> None:
        state, built = self.pop(), self.top()
        if isinstance(built, Global):
            self.findings.doubt(
                f"at byte {opcode.position} it changes {built.module}.{built.name} itself"
            )
        if not isinstance(built, Made):
            return
        if built.built:
            self.findings.doubt(f"at byte {opcode.position} it changes an object a second time")
        built.state, built.built = state, True
        if is_array(built):
            self.array(built)

    def array(self, built: Made) -> None:
        """Go on after the bytes of an array, as joblib's reader does."""
        if not self.arrays:
            raise Lost("it describes an array of joblib's where joblib does not look for one")
        if self.stream.position < self.frame_end:
            raise Lost("the bytes of an array begin inside a frame")
        self.stack[-1] = Unknown.COMPUTED
        if holds_objects(built, self.findings.budget):
            follow(self.stream, self.findings, self.depth + 1)
        else:
            pass_over(self.stream, built)

    def extension(self, opcode: Opcode) -> None:
        self.findings.doubt(
            f"at byte {opcode.position} it uses extension code {opcode.argument}, whose meaning is "
            "not in the file"
        )
        self.stack.append(Unknown.COMPUTED)

    def persistent_text(self, opcode: Opcode) -> None:
        self.findings.doubt(f"at byte {opcode.position} it asks its reader for an object")
        self.stack.append(Unknown.COMPUTED)

    def persistent(self, opcode: Opcode) -> None:
        """Accept a tensor's bytes, as PyTorch asks for them; nothing else."""
        asked = self.pop()
        if isinstance(asked, Group) and len(asked.parts) >= 2 and asked.parts[0] == "storage":
            kind = asked.parts[1]
            if isinstance(kind, Global) and is_storage(kind.module, kind.name):
                self.stack.append(Unknown.PLAIN)
                return
        self.persistent_text(opcode)

    # the rest

    def protocol(self, opcode: Opcode) -> None:
        if not isinstance(opcode.argument, int) or opcode.argument > HIGHEST_PROTOCOL:
            raise Lost(f"it is written in protocol {opcode.argument}, which is not known")

    def frame(self, opcode: Opcode) -> None:
        assert isinstance(opcode.argument, int)  # noqa: S101 - its reader gives a number
        self.frame_end = self.stream.position + opcode.argument

    def nothing(self, _opcode: Opcode) -> None:
        pass

    def stop(self, _opcode: Opcode) -> None:
        self.pop()


def _fill(target: Value, pairs: list[Value]) -> None:
    """Set keys and values, alternating, of `target`, as far as it is a table and they are known."""
    if not isinstance(target, Table):
        return
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        if isinstance(key, str) and (key in target.items or len(target.items) < MOST_PARTS):
            target.items[key] = value
        else:
            target.whole = False


_Step = Callable[[_Machine, Opcode], None]


def _steps() -> Mapping[str, _Step]:
    """Return what to do for each opcode, by its name."""
    groups = _values() | _acts()
    return MappingProxyType({name: step for step, names in groups.items() for name in names})


def _values() -> dict[_Step, tuple[str, ...]]:
    """Return the opcodes that put plain values together, by what to do for them."""
    return {
        _Machine.argument: (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
            *("STRING", "BINSTRING", "SHORT_BINSTRING"),
            *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        ),
        _Machine.plain: ("FLOAT", "BINFLOAT", "NEXT_BUFFER", "EMPTY_LIST", "EMPTY_SET"),
        _Machine.byte_string: ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        _Machine.none: ("NONE",),
        _Machine.true: ("NEWTRUE",),
        _Machine.false: ("NEWFALSE",),
        _Machine.mark: ("MARK",),
        _Machine.pop_one: ("POP",),
        _Machine.pop_mark: ("POP_MARK",),
        _Machine.twice: ("DUP",),
        _Machine.empty_table: ("EMPTY_DICT",),
        _Machine.table: ("DICT",),
        _Machine.collection: ("LIST", "FROZENSET"),
        _Machine.empty_group: ("EMPTY_TUPLE",),
        _Machine.marked_group: ("TUPLE",),
        _Machine.counted_group: ("TUPLE1", "TUPLE2", "TUPLE3"),
        _Machine.set_item: ("SETITEM",),
        _Machine.set_items: ("SETITEMS",),
        _Machine.add_one: ("APPEND",),
        _Machine.add_many: ("APPENDS", "ADDITEMS"),
    }


def _acts() -> dict[_Step, tuple[str, ...]]:
    """Return the opcodes that remember, import, call and end, by what to do for them."""
    return {
        _Machine.put: ("PUT", "BINPUT", "LONG_BINPUT"),
        _Machine.memoize: ("MEMOIZE",),
        _Machine.get: ("GET", "BINGET", "LONG_BINGET"),
        _Machine.import_name: ("GLOBAL",),
        _Machine.import_from_stack: ("STACK_GLOBAL",),
        _Machine.instance: ("INST",),
        _Machine.object: ("OBJ",),
        _Machine.reduce: ("REDUCE", "NEWOBJ"),
        _Machine.new_with_names: ("NEWOBJ_EX",),
        _Machine.build: ("BUILD",),
        _Machine.extension: ("EXT1", "EXT2", "EXT4"),
        _Machine.persistent_text: ("PERSID",),
        _Machine.persistent: ("BINPERSID",),
        _Machine.protocol: ("PROTO",),
        _Machine.frame: ("FRAME",),
        _Machine.nothing: ("READONLY_BUFFER",),
        _Machine.stop: ("STOP",),
    }
