from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import UsageError
from bedside.ledger import merkle
from bedside.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

VECTORS = 196
sizes = st.integers(1, 600)


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


class Naive:
    """Subtrees and proofs straight from the recursive definitions of RFC 6962, section 2.1."""

    def __init__(self, hashes: list[bytes]) -> None:
        self.hashes = hashes

    def __call__(self, level: int, position: int) -> bytes:
        part = self.hashes[position << level : (position + 1) << level]
        assert len(part) == 1 << level, "a complete subtree was asked for"
        return merkle.root(part)

    def path(self, index: int, part: list[bytes]) -> list[bytes]:
        if len(part) == 1:
            return []
        k = split(len(part))
        if index < k:
            return [*self.path(index, part[:k]), merkle.root(part[k:])]
        return [*self.path(index - k, part[k:]), merkle.root(part[:k])]

    def proof(self, first: int, part: list[bytes], *, known: bool) -> list[bytes]:
        if first == len(part):
            return [] if known else [merkle.root(part)]
        k = split(len(part))
        if first <= k:
            return [*self.proof(first, part[:k], known=known), merkle.root(part[k:])]
        return [*self.proof(first - k, part[k:], known=False), merkle.root(part[:k])]


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def test_hashes_have_the_prefixes_of_rfc_6962() -> None:
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert node_hash(b"l", b"r") == hashlib.sha256(b"\x01lr").digest()
    assert EMPTY_ROOT == merkle.root([]) == Frontier().root() == hashlib.sha256(b"").digest()


@settings(max_examples=60, deadline=None)
@given(sizes)
def test_a_growing_tree_has_the_root_of_the_definition(size: int) -> None:
    tree = Frontier()
    for leaf in leaves(size):
        tree.push(leaf)
    assert tree.root() == merkle.root(leaves(size))
    assert tree.size == size
    assert len(tree.hashes) == size.bit_count()


def test_a_growing_tree_reports_each_inner_subtree_once() -> None:
    tree, naive = Frontier(), Naive(leaves(300))
    completed = [node for leaf in leaves(300) for node in tree.push(leaf)]
    assert len({node[:2] for node in completed}) == len(completed)
    assert {node[:2] for node in completed} == {
        (level, position) for level in range(1, 9) for position in range(300 >> level)
    }
    assert all(value == naive(level, position) for level, position, value in completed)


@settings(max_examples=100, deadline=None)
@given(st.data(), sizes)
def test_inclusion_proofs_are_those_of_the_definition(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    naive = Naive(leaves(size))
    path = inclusion_path(index, size, naive)
    assert list(path) == naive.path(index, naive.hashes)
    root = merkle.root(naive.hashes)
    assert verify_inclusion(naive.hashes[index], index, size, path, root)


@settings(max_examples=100, deadline=None)
@given(st.data(), sizes)
def test_an_inclusion_proof_proves_nothing_else(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    naive = Naive(leaves(size))
    path = inclusion_path(index, size, naive)
    root, leaf = merkle.root(naive.hashes), naive.hashes[index]
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index) | st.just(size))
    assert not verify_inclusion(leaf, other, size, path, root)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, path, root)
    assert not verify_inclusion(leaf, index, size, path, leaf_hash(b"other"))
    assert not verify_inclusion(leaf, index, size, [*path, leaf], root)
    assert not verify_inclusion(leaf, index, size * 2, path, root)
    for position in range(len(path)):
        altered = [*path[:position], leaf_hash(b"other"), *path[position + 1 :]]
        assert not verify_inclusion(leaf, index, size, altered, root)
        assert not verify_inclusion(leaf, index, size, path[:position], root)


@settings(max_examples=100, deadline=None)
@given(st.data(), sizes)
def test_consistency_proofs_are_those_of_the_definition(data: st.DataObject, size: int) -> None:
    first = data.draw(st.integers(1, size))
    naive = Naive(leaves(size))
    path = consistency_path(first, size, naive)
    assert list(path) == naive.proof(first, naive.hashes, known=True)
    old, new = merkle.root(naive.hashes[:first]), merkle.root(naive.hashes)
    assert verify_consistency(first, size, path, old, new)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(2, 600))
def test_a_consistency_proof_proves_nothing_else(data: st.DataObject, size: int) -> None:
    first = data.draw(st.integers(1, size - 1))
    naive = Naive(leaves(size))
    path = consistency_path(first, size, naive)
    old, new, wrong = merkle.root(naive.hashes[:first]), merkle.root(naive.hashes), leaf_hash(b"?")
    assert not verify_consistency(first, size, path, wrong, new)
    assert not verify_consistency(first, size, path, old, wrong)
    assert not verify_consistency(first, size, [*path, wrong], old, new)
    for position in range(len(path)):
        altered = [*path[:position], wrong, *path[position + 1 :]]
        assert not verify_consistency(first, size, altered, old, new)
        assert not verify_consistency(first, size, path[:position], old, new)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(UsageError, match="is not among"):
        inclusion_path(index, size, Naive(leaves(5)))


@pytest.mark.parametrize(("first", "second"), [(0, 5), (5, 4), (-1, 5), (0, 0)])
def test_there_is_no_consistency_from_nothing_or_backwards(first: int, second: int) -> None:
    with pytest.raises(UsageError, match="no consistency proof"):
        consistency_path(first, second, Naive(leaves(5)))
    assert not verify_consistency(first, second, (), EMPTY_ROOT, EMPTY_ROOT)


def test_all_196_vectors_are_judged_as_the_vectors_say(samples: Path) -> None:
    wrong, judged = [], 0
    for path in sorted((samples / "merkle").rglob("*.json")):
        vector = json.loads(path.read_text())
        judge = includes if path.relative_to(samples).parts[1] == "inclusion" else continues
        judged += 1
        if judge(vector) == vector["wantErr"]:
            wrong.append(f"{path}: {vector['desc']}")
    assert wrong == []
    assert judged == VECTORS


def includes(vector: dict[str, Any]) -> bool:
    proof = [base64.b64decode(text) for text in vector["proof"] or []]
    leaf, root = base64.b64decode(vector["leafHash"]), base64.b64decode(vector["root"])
    return verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof, root)


def continues(vector: dict[str, Any]) -> bool:
    proof = [base64.b64decode(text) for text in vector["proof"] or []]
    old, new = base64.b64decode(vector["root1"]), base64.b64decode(vector["root2"])
    return verify_consistency(vector["size1"], vector["size2"], proof, old, new)
