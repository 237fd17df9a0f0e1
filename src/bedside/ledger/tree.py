"""The stored tree: leaves in the entries, and every eighth level above them in `ledger_nodes`."""

from __future__ import annotations

from sqlalchemy import Connection

from bedside.errors import LedgerBroken
from bedside.ledger import merkle, rows
from bedside.ledger.merkle import node_hash

_TILE = 1 << merkle.TILE_LEVELS


class StoredTree:
    """Reads complete subtrees, tile by tile, remembering the tiles for one proof."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], dict[int, bytes]] = {}

    def __call__(self, level: int, position: int) -> bytes:
        """Return the hash of the complete subtree at (level, position).

        Raises:
            LedgerBroken: a stored hash is missing.
        """
        below = level % merkle.TILE_LEVELS
        start, count = position << below, 1 << below
        hashes = [self._stored(level - below, start + offset) for offset in range(count)]
        while len(hashes) > 1:
            pairs = zip(hashes[::2], hashes[1::2], strict=True)
            hashes = [node_hash(left, right) for left, right in pairs]
        return hashes[0]

    def _stored(self, level: int, position: int) -> bytes:
        tile = (level, position // _TILE)
        if tile not in self._tiles:
            start = tile[1] * _TILE
            self._tiles[tile] = rows.hashes(self._connection, level, start, start + _TILE)
        found = self._tiles[tile].get(position)
        if found is None:
            index = position << level
            raise LedgerBroken(
                f"The tree lacks its hash {position} at level {level}, over entry {index}.",
                index=index,
                advice="bedside ledger verify",
            )
        return found
