"""Atoms in rows of four numbers, against NumPy; with and without the instruction that packs."""

import numpy as np
import pytest
from numba import njit

from nanochart.compiled.lanes import vectors
from nanochart.compiled.lanes.atoms import find_row, pull_row, select_row, sum_row
from nanochart.compiled.memory import aligned

U = np.uint64
N = 61
SPLIT, REACH = 3.0, 4.5


@pytest.fixture(params=["as this processor does", "lane by lane"])
def appending(request, monkeypatch):
    """How vectors are appended in what is compiled meanwhile."""
    if request.param == "lane by lane":
        monkeypatch.setattr(vectors, "_can_pack", lambda _context: False)


@pytest.fixture
def atoms():
    """Rows (atom, 4) of a gas, the last far away, from the start of a cache line on."""
    rows = aligned(4 * N + 4, np.float64).reshape(N + 1, 4)
    rows[:N, :3] = np.random.default_rng(3).normal(size=(N, 3)) * 2.5
    rows[N, :3] = 1e100
    return rows


def distances(atoms):
    return np.linalg.norm(atoms[:N, None, :3] - atoms[:N, :3], axis=-1)


@pytest.mark.usefixtures("appending")
def test_pairs_are_selected_in_their_order(atoms):
    @njit
    def select(atoms, start, neighbour, partner, square, first):
        near, far = U(0), U(partner.size // 2)
        for i in range(U(start.size - 1)):
            first[0, i], first[1, i] = near, far
            near, far = select_row(
                atoms, neighbour, partner, square, i, U(start[i]), U(start[i + U(1)]),
                SPLIT**2, REACH**2, near, far,
            )  # fmt: skip
        first[0, -1], first[1, -1] = near, far

    r = distances(atoms)
    rows = [[*range(i + 1, N), *[N] * (-(N - 1 - i) % 4)] for i in range(N)]
    start = np.cumsum([0, *map(len, rows)]).astype(np.uint32)
    neighbour = np.concatenate(rows).astype(np.uint32)
    partner, square = np.zeros(2 * N**2, np.uint32), np.zeros(2 * N**2)
    first = np.zeros((2, N + 1), np.uint32)
    select(atoms.ravel(), start, neighbour, partner, square, first)
    counts = np.zeros(2, int)
    for i in range(N):
        bounds = ((r[i] < SPLIT), (r[i] >= SPLIT) & (r[i] < REACH))
        for kind, wanted in enumerate(bounds):
            expected = [j for j in range(i + 1, N) if wanted[j]]
            found = slice(first[kind, i], first[kind, i + 1])
            assert partner[found].tolist() == expected
            np.testing.assert_allclose(square[found], r[i, expected] ** 2, rtol=1e-14)
            counts[kind] += len(expected)
    assert counts.min() > N


@pytest.mark.usefixtures("appending")
def test_a_row_of_the_list_is_found_and_filled_up(atoms):
    @njit
    def find(columns, neighbour, n, length, i, k):
        return find_row(columns, neighbour, U(n), U(length), U(i), REACH**2, U(k))

    length = (N + 7) // 8 * 8
    columns = aligned(3 * length, np.float64).reshape(3, length)
    columns[:] = 1e100
    columns[:, :N] = atoms[:N, :3].T
    r = distances(atoms)
    for i in range(N):
        neighbour = np.zeros(N + 16, np.uint32)
        end = find(columns.ravel(), neighbour, N, length, i, 4)
        expected = [j for j in range(i + 1, N) if r[i, j] < REACH]
        filled = expected + [N] * (-len(expected) % 4)
        assert neighbour[4:end].tolist() == filled
        assert not neighbour[:4].any()


def test_sums_of_rows_leave_out_what_is_beyond():
    @njit
    def total(values, near, near_end, far, far_end):
        return sum_row(values, U(near), U(near_end), U(far), U(far_end))

    rng = np.random.default_rng(0)
    for count in range(40):
        for other in (0, 1, 15, 16, 17):
            values = np.full(200, np.nan)
            values[10 : 10 + count] = rng.normal(size=count)
            values[100 : 100 + other] = rng.normal(size=other)
            found = total(values, 10, 10 + count, 100, 100 + other)
            assert found == pytest.approx(np.nansum(values), abs=1e-14)


def test_pulls_are_those_of_pairs_and_cancel(atoms):
    @njit
    def pull(atoms, pulls, partner, dphi, df, i, near, near_end, far, far_end):
        pull_row(atoms, pulls, partner, dphi, df, U(i), U(near), U(near_end), U(far), U(far_end))

    rng = np.random.default_rng(1)
    atoms[:N, 3] = rng.normal(size=N)
    i, near, far = 5, np.array([7, 9, 40]), np.array([8, 9, 30, 31, 60])
    partner = np.zeros(20, np.uint32)
    partner[2:5], partner[10:15] = near, far
    dphi, df = rng.normal(size=(2, 20))
    pulls = aligned(4 * N + 4, np.float64).reshape(N + 1, 4)
    before = pulls.copy()
    pull(atoms.ravel(), pulls.ravel(), partner, dphi, df, i, 2, 5, 10, 15)
    expected = before[:, :3]
    for a in (*range(2, 5), *range(10, 15)):
        j = partner[a]
        w = dphi[a] + (atoms[i, 3] + atoms[j, 3]) * df[a]
        force = w * (atoms[i, :3] - atoms[j, :3])
        expected[i] -= force
        expected[j] += force
    np.testing.assert_allclose(pulls[:, :3], expected, atol=1e-13)
    np.testing.assert_allclose(pulls[:, :3].sum(axis=0), 0.0, atol=1e-13)
