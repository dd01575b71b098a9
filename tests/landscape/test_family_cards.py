"""Family cards on constructed data, and measures against calculations by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from nanochart.landscape import (
    Words,
    continuity,
    explained_by,
    family_agreement,
    family_cards,
    family_names,
    neighbour_purity,
    random_split,
    sentence,
    telling_facts,
    trustworthiness,
)

WORDS = Words(
    motifs={"dh": "decahedra", "ih": "icosahedra"},
    count={
        "islands": ("one hcp island", "{} hcp islands"),
        "vacancies": ("a vertex vacancy", "{} vertex vacancies"),
    },
    measure={"disorder": ("more disorder", "less disorder")},
)


def constructed(n=200):
    """Three families of n and one frame of noise: dh without, dh with an island, ih."""
    rng = np.random.default_rng(0)
    codes = np.r_[np.repeat([1, 2, 3], n), 0]
    islands = np.array([0.0, 1.0, 0.0, 0.0])[codes - 1]
    vacancies = np.where(codes == 2, 2.0, 0.0) + (rng.random(len(codes)) < 0.1)
    disorder = rng.normal(np.where(codes == 3, 5.0, 0.0), 1.0)
    points = rng.normal(size=(len(codes), 2)) * 0.1 + codes[:, None]
    return codes, points, {"islands": islands, "vacancies": vacancies, "disorder": disorder}


@pytest.fixture(scope="module")
def cards():
    codes, points, defects = constructed()
    shape = (1, len(codes))
    return family_cards(
        codes.reshape(shape),
        points.reshape(*shape, 2),
        (0.1 * codes).reshape(shape),
        np.where(codes == 3, 1, 0).reshape(shape),
        ("dh", "ih"),
        {k: v.reshape(shape) for k, v in defects.items()},
        WORDS,
        minima=(np.arange(len(codes)) // 2).reshape(shape),
    )


def test_a_card_says_what_sets_the_family_apart(cards):
    assert cards[1].sentence == "decahedra with one hcp island and two vertex vacancies"
    assert cards[0].sentence == "decahedra with no hcp islands and no vertex vacancies"
    assert cards[2].sentence == "icosahedra with no hcp islands and more disorder"


def test_siblings_that_would_read_alike_are_told_apart():
    """Four groups of dh: two share one island against the others, and differ in vacancies alone."""
    codes = np.repeat([1, 2, 3, 4, 5], 100)
    rng = np.random.default_rng(1)
    defects = {
        "islands": np.array([0.0, 3.0, 3.0, 0.0, 0.0])[codes - 1],
        "vacancies": np.array([0.0, 1.0, 2.0, 1.0, 2.0])[codes - 1],
        "disorder": rng.normal(size=500),
    }
    shape = (1, 500)
    made = family_cards(
        codes.reshape(shape),
        rng.normal(size=(*shape, 2)),
        (0.1 * codes).reshape(shape),
        np.zeros(shape, dtype=int),
        ("dh", "ih"),
        {k: v.reshape(shape) for k, v in defects.items()},
        WORDS,
        minima=np.arange(500).reshape(shape),
    )
    assert len({card.sentence for card in made}) == 5


def test_what_no_defect_tells_apart_is_told_by_energies():
    codes = np.repeat([1, 2], 100)
    shape = (1, 200)
    made = family_cards(
        codes.reshape(shape),
        np.zeros((*shape, 2)),
        np.where(codes == 1, 0.0, 2.0).reshape(shape),
        np.zeros(shape, dtype=int),
        ("dh", "ih"),
        {k: np.zeros(shape) for k in ("islands", "vacancies", "disorder")},
        WORDS,
        minima=np.arange(200).reshape(shape),
    )
    assert made[0].sentence.endswith("0.00 to 0.00 eV above the lowest minimum")
    assert made[1].sentence.endswith("2.00 to 2.00 eV above the lowest minimum")


def test_facts_hold_for_most_members(cards):
    for card in cards:
        assert all(fact.share >= 0.6 for fact in card.facts)
    vacancies = cards[1].facts[1]
    assert (vacancies.descriptor, vacancies.kind, vacancies.value) == ("vacancies", "exactly", 2.0)
    assert 0.85 < vacancies.share < 0.95


def test_numbers_of_a_card(cards):
    first = cards[0]
    assert [card.name for card in cards] == ["dh/1", "dh/2", "ih/1"]
    assert (first.size, first.minima, first.siblings) == (200, 100, (2,))
    assert first.share == pytest.approx(200 / 601)
    assert first.composition == {"dh": 1.0}
    assert cards[2].siblings == ()
    # Above the lowest of all frames, which is the noise at 0.
    assert cards[1].energy_low == pytest.approx(0.2)
    assert cards[1].to_dict()["facts"][0]["descriptor"] == "islands"


def test_the_representative_is_the_medoid_and_extremes_are_far_apart(cards):
    _, points, _ = constructed()
    members = points[:200]
    totals = cdist(members, members).sum(axis=1)
    assert cards[0].representative == (0, int(totals.argmin()))
    (_, a), (_, b) = cards[0].extremes
    assert np.linalg.norm(points[a] - points[b]) > 0.85 * cdist(members, members).max()


def test_names_rank_by_size_within_the_motif():
    codes = np.array([1, 1, 1, 2, 2, 3, 3, 0])
    motifs = np.array([0, 0, 1, 1, 1, 0, -1, 0])
    assert family_names(codes, motifs, ("dh", "ih")) == ("noise", "dh/1", "ih/1", "dh/2")


def test_an_empty_family_is_one_sentence():
    shape = (1, 4)
    codes = np.array([[1, 1, 3, 3]])
    with pytest.raises(ValueError, match="family 2 has no frames: assign the families to the run"):
        family_cards(codes, np.zeros((*shape, 2)), np.zeros(shape), np.zeros(shape, int), ("dh",),
                     {}, WORDS, minima=codes)  # fmt: skip


def test_alike_groups_have_no_facts():
    rng = np.random.default_rng(1)
    values = {"disorder": rng.normal(size=400)}
    facts = telling_facts(values, np.arange(200), np.arange(200, 400), WORDS)
    assert facts == ()
    assert sentence("dh", facts, WORDS) == "decahedra that no defect sets apart"


def test_a_number_that_is_not_common_becomes_a_bound():
    rng = np.random.default_rng(2)
    values = {"islands": np.r_[rng.integers(2, 6, 300), np.zeros(300)].astype(float)}
    (fact,) = telling_facts(values, np.arange(300), np.arange(300, 600), WORDS)
    assert fact.kind == "at least"
    assert fact.share == pytest.approx((values["islands"][:300] >= fact.value).mean())
    assert sentence("dh", (fact,), WORDS) == "decahedra with three or more hcp islands"


def test_what_repeats_another_is_left_out():
    x = np.r_[np.arange(100) % 2, 2.0 + (np.arange(100) % 2)]
    facts = telling_facts(
        {"islands": x, "vacancies": 2 * x}, np.arange(100, 200), np.arange(100), WORDS
    )
    assert [fact.descriptor for fact in facts] == ["islands"]


# -------------------------------------------------------------------------------- measures


def test_purity_by_hand():
    # On a line: A at 0, B at 1, A at 2, B at 10. Frame 0's two nearest are 1 (B) and 2 (A).
    points = np.array([[0.0], [1.0], [2.0], [10.0]])
    found = neighbour_purity(points, [0, 1, 0, 1], [True, False, False, False],
                             [0, 1, 2, 3], [0, 1, 2, 3], k=2)  # fmt: skip
    assert (found.purity, found.n) == (0.5, 1)


def test_purity_does_not_count_copies_or_the_same_stretch():
    # Frames 1 and 2 are copies of 0 elsewhere; 3 is another minimum of the same stretch.
    points = np.array([[0.0], [0.0], [0.0], [0.1], [1.0], [2.0]])
    labels, units = [0, 0, 0, 0, 1, 1], [0, 1, 2, 0, 3, 4]
    minima = [0, 0, 0, 1, 2, 3]
    asked = [True, False, False, False, False, False]
    assert neighbour_purity(points, labels, asked, units, minima, k=2).purity == 0.0


def test_purity_weighs_frames_and_minima():
    # Minimum 0 is found three times in one held-out stretch, minimum 1 once.
    points = np.array([[0.0], [0.0], [0.0], [5.0], [0.1], [5.1]])
    labels, units = [0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 2, 3]
    found = neighbour_purity(
        points, labels, [True] * 4 + [False] * 2, units, [0, 0, 0, 1, 2, 3], k=1
    )
    assert found.purity == 0.75
    assert found.minima == 0.5
    assert found.n == 4


def test_purity_can_leave_a_label_out():
    points = np.array([[0.0], [0.1], [0.5], [0.6]])
    arguments = ([0, 1, 0, 0], [True, False, False, False], [0, 1, 2, 3], [0, 1, 2, 3])
    assert neighbour_purity(points, *arguments, k=1).purity == 0.0
    assert neighbour_purity(points, *arguments, k=1, leave_out=(1,)).purity == 1.0


def test_purity_without_enough_minima_is_one_sentence():
    with pytest.raises(ValueError, match="more than 15 distinct minima; got 3 frames and 1 minima"):
        neighbour_purity(np.zeros((3, 1)), [0, 0, 0], [True] * 3, [0, 1, 2], [0, 0, 0])


def test_trustworthiness_and_continuity():
    rng = np.random.default_rng(3)
    space = rng.normal(size=(200, 3))
    assert trustworthiness(space, space) == 1.0
    # Tearing a sheet along a line leaves neighbours in the chart true, but loses some of the space.
    sheet = rng.uniform(-1, 1, (300, 2))
    torn = sheet + np.where(sheet[:, :1] > 0, 5.0, 0.0)
    assert trustworthiness(sheet, torn) > continuity(sheet, torn)
    assert continuity(sheet, torn) == trustworthiness(torn, sheet)
    with pytest.raises(ValueError, match="more than 30 points"):
        continuity(space[:20], space[:20])


def test_explained_variance_by_hand():
    # Means 1 and 4 about 2.5: between 4 * 2.25 = 9, total 10.
    values = np.array([[0.5, 7.0], [1.5, 7.0], [3.5, 7.0], [4.5, 7.0]])
    found = explained_by([0, 0, 1, 1], values)
    assert found[0] == pytest.approx(0.9)
    assert np.isnan(found[1])


def test_a_random_split_explains_what_chance_does():
    labels = np.repeat(np.arange(5), 200)
    split = random_split(labels, seed=1)
    np.testing.assert_array_equal(np.bincount(split), np.bincount(labels))
    values = np.random.default_rng(4).normal(size=(1000, 20))
    # (groups - 1) / (n - 1) = 0.004 is expected.
    assert explained_by(split, values).mean() == pytest.approx(0.004, abs=0.002)


def test_agreement_of_families():
    a = np.array([1, 1, 2, 2, 3, 3, 0, 0])
    assert family_agreement(a, np.array([3, 3, 1, 1, 2, 2, 0, 0])) == 1.0
    rng = np.random.default_rng(5)
    assert abs(family_agreement(rng.integers(1, 4, 3000), rng.integers(1, 4, 3000))) < 0.01
    with pytest.raises(ValueError, match="must be of the same frames; got 8 and 3"):
        family_agreement(a, a[:3])
