from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bedside.runtime.explain.orders import orders
from bedside.runtime.explain.shapley import Shares, every, exact, on_the_way, sampled

Game = Callable[[NDArray[np.bool_]], NDArray[np.float64]]
PLAYERS = st.integers(1, 6)
SEEDS = st.integers(0, 2**32 - 1)


def random_game(players: int, seed: int) -> Game:
    """A worth for every coalition, drawn at random."""
    worths = np.random.default_rng(seed).normal(size=2**players)
    return lambda coalitions: worths[coalitions @ (1 << np.arange(players))]


def sampled_shares(game: Game, players: int, permutations: int, seed: int = 0) -> Shares:
    drawn = orders(seed, players, permutations)
    none, everybody = game(np.array([[False] * players, [True] * players]))
    return sampled(drawn, game(on_the_way(drawn)), float(none), float(everybody))


def exact_shares(game: Game, players: int) -> Shares:
    return exact(game(every(players)), players)


@given(PLAYERS, SEEDS)
def test_exact_values_are_the_mean_over_all_orders(players: int, seed: int) -> None:
    game = random_game(players, seed)
    added = np.zeros(players)
    arrangements = list(itertools.permutations(range(players)))
    for order in arrangements:
        here = np.zeros((1, players), dtype=bool)
        for player in order:
            before = game(here)[0]
            here[0, player] = True
            added[player] += game(here)[0] - before
    assert exact_shares(game, players).values == pytest.approx(added / len(arrangements))


@given(PLAYERS, SEEDS, st.integers(2, 5))
def test_the_values_sum_to_the_worth_of_all_less_that_of_none(
    players: int, seed: int, pairs: int
) -> None:
    game = random_game(players, seed)
    none, everybody = game(np.array([[False] * players, [True] * players]))
    for shares in (exact_shares(game, players), sampled_shares(game, players, 2 * pairs)):
        assert shares.values.sum() == pytest.approx(everybody - none)


@given(SEEDS)
def test_a_player_who_changes_nothing_gets_exactly_nothing(seed: int) -> None:
    inner = random_game(4, seed)

    def game(coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        return inner(np.delete(coalitions, 2, axis=1))

    for shares in (exact_shares(game, 5), sampled_shares(game, 5, 12)):
        assert shares.values[2] == 0.0
        assert shares.errors[2] == 0.0


@given(SEEDS)
def test_players_who_do_the_same_get_the_same(seed: int) -> None:
    inner = random_game(4, seed)

    def game(coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        first, second, rest = coalitions[:, :1], coalitions[:, 1:2], coalitions[:, 2:]
        return inner(np.concatenate([first & second, first | second, rest], axis=1))

    values = exact_shares(game, 4).values
    assert values[0] == pytest.approx(values[1])


def test_players_who_do_the_same_get_the_same_on_average_when_sampled() -> None:
    def game(coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(coalitions.sum(axis=1) ** 2.0 + 3.0 * coalitions[:, 3])

    shares = sampled_shares(game, 6, 4000)
    alike = np.delete(shares.values, 3)
    assert np.abs(alike - alike.mean()).max() < 5 * shares.errors.max() + 1e-12


@given(PLAYERS, SEEDS)
def test_values_of_added_games_are_the_added_values(players: int, seed: int) -> None:
    one, two = random_game(players, seed), random_game(players, seed + 1)
    both = exact_shares(lambda c: one(c) + 2 * two(c), players).values
    apart = exact_shares(one, players).values + 2 * exact_shares(two, players).values
    assert both == pytest.approx(apart)


def test_a_sum_of_single_effects_and_pairs_is_exact_with_any_antithetic_sample() -> None:
    effects = np.array([1.0, -2.0, 0.5, 4.0])

    def game(coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(coalitions @ effects + 3.0 * (coalitions[:, 0] & coalitions[:, 1]))

    shares = sampled_shares(game, 4, 4)
    assert shares.values == pytest.approx(effects + np.array([1.5, 1.5, 0, 0]))
    assert shares.errors == pytest.approx(np.zeros(4), abs=1e-12)


def test_the_standard_error_is_that_of_the_mean_of_the_pairs() -> None:
    drawn = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]])
    worths = np.array([1.0, 3, 4, 6, 5, 3, 4, 8])  # {0} {01} {2} {12} {1} {01} {2} {02}
    shares = sampled(drawn, worths, 0.0, 10.0)
    pairs = np.array([[2.5, 2.0, 5.5], [1.0, 3.5, 5.5]])
    assert shares.values == pytest.approx(pairs.mean(axis=0))
    assert shares.errors == pytest.approx([0.75, 0.75, 0.0])


def test_the_sampling_error_falls_with_the_root_of_the_permutations() -> None:
    game = random_game(10, 1)
    truth = exact_shares(game, 10).values

    def root_mean_square(permutations: int) -> float:
        misses = [sampled_shares(game, 10, permutations, seed).values - truth for seed in range(60)]
        return float(np.sqrt(np.mean(np.square(misses))))

    few, many = root_mean_square(16), root_mean_square(256)
    assert 3.2 < few / many < 4.8  # the root of 16 is 4


def test_the_standard_error_tells_how_far_off_a_sample_is() -> None:
    game = random_game(9, 2)
    truth = exact_shares(game, 9).values
    far = []
    for seed in range(100):
        shares = sampled_shares(game, 9, 64, seed)
        far.append((shares.values - truth) / shares.errors)
    assert 0.9 < np.sqrt(np.mean(np.square(far))) < 1.15
    assert 0.93 < np.mean(np.abs(far) < 2) < 0.98
