"""Shapley values of a game: what each player adds, whatever the game is about.

A *coalition* is a row of booleans, one a player; a game gives every coalition a worth.
`docs/spec/package.md`, section 12.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Coalitions: TypeAlias = NDArray[np.bool_]
"""Two axes: coalitions, players."""

Worths: TypeAlias = NDArray[np.float64]
"""One axis: coalitions."""


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What each player adds.

    Attributes:
        values: One for each player; they sum to the worth of all less that of none.
        errors: Standard error of each; 0 where it is exact.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64]


def nobody_everybody(players: int) -> Coalitions:
    """Return the coalition of none and that of all."""
    return np.repeat(np.array([[False], [True]]), players, axis=1)


def singles(players: int) -> Coalitions:
    """Return the coalitions of one player each, in order."""
    return np.eye(players, dtype=np.bool_)


def every(players: int) -> Coalitions:
    """Return all 2^players coalitions; player i is in coalition c where bit i of c is 1."""
    numbers = np.arange(2**players)[:, np.newaxis]
    return np.asarray((numbers >> np.arange(players)) % 2, dtype=np.bool_)


def exact(worths: Worths, players: int) -> Shares:
    """Return the Shapley values from the worths of `every` coalition.

    Source: Shapley 1953, "A value for n-person games".
    """
    numbers = np.arange(2**players)
    sizes = every(players).sum(axis=1)
    weights = np.array([1 / (players * math.comb(players - 1, k)) for k in range(players)])
    values = np.empty(players)
    for player in range(players):
        without = numbers[numbers >> player & 1 == 0]
        added = worths[without | 1 << player] - worths[without]
        values[player] = math.fsum(weights[sizes[without]] * added)
    return Shares(values, np.zeros(players))


def on_the_way(orders: NDArray[np.intp]) -> Coalitions:
    """Return the coalitions that form when players come in these orders, none and all left out.

    Args:
        orders: Orders × players.

    Returns:
        Orders × (players − 1) rows: those of the first order, from one player to all but one,
        then those of the second.
    """
    permutations, players = orders.shape
    places = np.empty_like(orders)
    np.put_along_axis(places, orders, np.arange(players)[np.newaxis], axis=1)
    came = places[:, np.newaxis, :] <= np.arange(players - 1)[np.newaxis, :, np.newaxis]
    return came.reshape(permutations * (players - 1), players)


def sampled(orders: NDArray[np.intp], worths: Worths, none: float, everybody: float) -> Shares:
    """Return what each player adds when it comes, on average over the orders.

    Args:
        orders: Orders × players; each even row is followed by its reverse.
        worths: Of the coalitions `on_the_way`.
        none: The worth of no player.
        everybody: The worth of all.

    Source: Castro, Gómez and Tejada 2009 (sampling orders). A pair of an order and its reverse is
    one observation of the standard error, since the two are not independent.
    """
    permutations, players = orders.shape
    path = np.empty((permutations, players + 1))
    path[:, 0], path[:, -1] = none, everybody
    path[:, 1:-1] = worths.reshape(permutations, players - 1)
    added = np.empty((permutations, players))
    np.put_along_axis(added, orders, np.diff(path, axis=1), axis=1)
    pairs = added.reshape(-1, 2, players).mean(axis=1)
    errors = pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs))
    return Shares(pairs.mean(axis=0), errors)
