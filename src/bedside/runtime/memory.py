"""One bound on the memory that networks may take, all of a process together.

A file of a few kilobytes can ask for any amount of memory: two vectors whose outer product is a
terabyte need no gigantic number anywhere. So ONNX Runtime takes the memory of every value that a
network computes from one arena with a fixed size, and stops the network that asks for more. It
would also compute constants while loading, outside of that arena; what is larger than
`MAX_FOLDED` is computed while running instead, where the arena bounds it.

The arena does not hold what an operator keeps for itself: texts, and the tables of `NonZero`,
`Unique`, `MelWeightMatrix` and `GridSample`, six to 256 times as large as their input. `onnx_limits`
refuses those by name. What the others keep (the places of `TopK`, `GatherND`, `ScatterND` and
`ScatterElements`, measured) is at most about twice as large as their tensors in the arena.

Measured with ONNX Runtime 1.31: loading and running the hostile networks of `tests/hostile` stays
within `MAX_MEMORY` of the memory before; without the bound they took 14 GiB. It is a measurement of
these networks, not a proof for all: a service that must hold under attack also needs a limit of its
operating system.

Source: onnxruntime_session_options_config_keys.h (session.use_env_allocators, 1.5;
optimization.constant_folding_max_output_size_in_bytes, 1.27), OrtArenaCfg in
onnxruntime_c_api.h.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import onnxruntime as ort

from bedside.errors import PackageRefused

MAX_MEMORY: Final = 4 * 2**30
"""Bytes of all values that networks compute at one time; a U-Net on a 512 × 512 film takes 1 GiB."""

MAX_FOLDED: Final = 64 * 2**10
"""Bytes of a constant that is computed while loading; at most 20,000 operators may do so."""

_AS_ASKED: Final = 1
"""Extend the arena by what is asked for, not to the next power of two."""

_REFUSALS: Final = ("bfc_arena", "Failed to allocate memory", "bad allocation", "std::bad_alloc")


def bound_memory(options: ort.SessionOptions) -> None:
    """Let a session of these options take its memory from the process's one arena."""
    _make_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry(
        "optimization.constant_folding_max_output_size_in_bytes", str(MAX_FOLDED)
    )


def asked_too_much(problem: Exception) -> bool:
    """Return whether a network failed because the arena had no more memory for it."""
    return isinstance(problem, MemoryError) or any(word in str(problem) for word in _REFUSALS)


def too_much_asked() -> PackageRefused:
    """Return the refusal of a network that failed so."""
    return PackageRefused(
        f"The network asks for more memory than the {MAX_MEMORY // 2**30} GiB that all networks of a "
        "process share.",
        advice="Do not use a network that you did not expect to be so large; send fewer inputs at "
        "once, or freeze a smaller one.",
    )


@cache  # ONNX Runtime's environment is the process's own; a second arena would double the bound
def _make_arena() -> None:
    place = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    limits = ort.OrtArenaCfg({"max_mem": MAX_MEMORY, "arena_extend_strategy": _AS_ASKED})
    ort.create_and_register_allocator(place, limits)
