"""Synthetic languages: their entropy is what samples of them show, and their laws are the ones set by hand."""

from functools import lru_cache
from hashlib import sha256
from math import log

import numpy as np
import pytest

from repro.corpora.languages.hidden_markov import HiddenMarkov
from repro.corpora.languages.skills import Skills
from repro.corpora.languages.zipf import Zipf, entropy

LANGUAGES = [
    HiddenMarkov(tokens=400_000, test_tokens=50_000),
    HiddenMarkov(classes=4, symbols=32, between=1.0, within=0.0, seed=3, tokens=400_000, test_tokens=50_000),
    Skills(tokens=400_000, test_tokens=50_000),
    Skills(alpha=1.0, vocabulary=32, digits=2, seed=3, tokens=399_999, test_tokens=49_998),
]
by_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda each: f"{type(each).__name__}-{each.seed}")


def test_zipf_is_zipf():
    """Weights 1, 1/2, 1/4 for ranks 1, 2, 4 at exponent 1; no exponent, no preference."""
    p = Zipf(4, 1.0).p

    assert [1, 1 / 2, 1 / 4] == pytest.approx([p[0] / p[0], p[1] / p[0], p[3] / p[0]], rel=1e-9)
    assert log(7) == pytest.approx(Zipf(7, 0.0).entropy)


def test_zipf_draws_what_it_says():
    """A draw's frequencies lie within five standard errors of p."""
    law, n = Zipf(20, 1.5), 200_000
    shares = np.bincount(law.draw(np.random.default_rng(0), n), minlength=20) / n

    assert (np.abs(shares - law.p) < 5 * np.sqrt(law.p / n)).all()


@by_language
def test_a_language_is_the_same_on_every_machine_and_its_samples_differ(language):
    """A shorter sample is the beginning of a longer one, so the first D tokens do not depend on how many there are."""
    train, test = language.draw("train"), language.draw("test")
    shorter = type(language)(**{**vars(language), "tokens": 99_996}).draw("train")
    other = type(language)(**{**vars(language), "seed": language.seed + 1}).draw("train")

    assert np.array_equal(shorter, train[:99_996])
    assert not np.array_equal(train[:1000], test[:1000])
    assert not np.array_equal(train, other)
    assert (np.uint16, language.tokens, language.test_tokens) == (train.dtype, len(train), len(test))
    assert 0 <= train.min() and train.max() == language.vocabulary - 1


@pytest.mark.parametrize(
    "language, digest",
    [(LANGUAGES[0], "16f543a28ea040ce"), (LANGUAGES[2], "fd699f97ef5ebf9b")],
    ids=["HiddenMarkov", "Skills"],
)
def test_the_sample_is_the_one_that_was_pinned(language, digest):
    """Another sample from the same seed would make every record of a training run stale."""
    assert digest == sha256(language.draw("train").tobytes()).hexdigest()[:16]


@by_language
def test_what_the_true_law_pays_on_a_sample_is_the_entropy(language):
    """Average -log p under the true predictive, within four standard errors of the closed form."""
    nats = true_nats(language)
    independent = nats.reshape(-1, language.length).sum(axis=1) / language.length if is_skills(language) else nats

    assert language.entropy == pytest.approx(nats.mean(), abs=4 * independent.std() / len(independent) ** 0.5)


def is_skills(language):
    return isinstance(language, Skills)


def true_nats(language):
    """-log p of each token of the training sample under the language's own law, given all before it."""
    train = language.draw("train")
    if not is_skills(language):
        return -np.log(language.predictive(train))
    sequences, base = train.reshape(-1, language.length).astype(int), language.vocabulary // 2
    skill = sequences[:, : language.digits] % base @ base ** np.arange(language.digits)[::-1]
    assert np.array_equal(language.sequences()[skill, -1], sequences[:, -1])
    return np.stack([-np.log(language.law.p[skill]), *np.zeros((language.digits, len(skill)))], axis=1).reshape(-1)


def test_a_learner_that_counts_comes_down_to_the_entropy_of_the_hidden_markov_language():
    """Trigram counts, one added to each, without a notion of classes: it stays above h and ends within 0.02 nats."""
    language = HiddenMarkov(classes=4, symbols=16, tokens=2_000_000, test_tokens=200_000, seed=5)
    train, test = (language.draw(split).astype(int) for split in ("train", "test"))
    cells = 16**3
    counts = np.bincount(train[:-2] * 256 + train[1:-1] * 16 + train[2:], minlength=cells).reshape(256, 16) + 1.0
    laws = counts / counts.sum(axis=1, keepdims=True)
    nats = -np.log(laws[test[:-2] * 16 + test[1:-1], test[2:]])
    error = nats.std() / len(nats) ** 0.5

    assert language.entropy - 4 * error < nats.mean() < language.entropy + 0.02


def test_the_floor_of_a_window_is_the_block_entropy_of_the_hidden_markov_language():
    """Enumerated: H(X_2 ... X_5 | X_1) / 4 over all words of five symbols."""
    language = HiddenMarkov(classes=2, symbols=4, between=2.0, within=1.0, seed=1)
    words = np.stack(np.meshgrid(*[np.arange(4)] * 6, indexing="ij"), axis=-1).reshape(-1, 6)
    later = np.prod([language.predictive(word) for word in words], axis=1)
    pairs = stationary_symbol_pairs(language)
    joint = (pairs[words[:, 0], words[:, 1]] * later).reshape((4,) * 6).sum(axis=0)

    expected = (entropy(joint.reshape(-1)) - entropy(joint.sum(axis=(1, 2, 3, 4)))) / 4
    assert expected == pytest.approx(language.irreducible(4), rel=1e-9)
    assert language.entropy < language.irreducible(128) < language.irreducible(4)


def stationary_symbol_pairs(language):
    """(V, V) share of each pair of neighbouring symbols, by iterating the law of symbols itself."""
    V = language.symbols
    step = np.array(
        [[[language.predictive(np.array([a, b, c]))[0] for c in range(V)] for b in range(V)] for a in range(V)]
    )
    pairs = np.full((V, V), 1 / V**2)
    for _ in range(500):
        pairs = np.einsum("ab,abc->bc", pairs, step)
    return pairs


def test_the_floor_of_a_window_of_skills_is_that_of_its_whole_sequences():
    """A window that ends after a first symbol has one more of them than whole sequences."""
    language = Skills(alpha=0.5, vocabulary=16, digits=2)
    first = entropy(language.law.p.reshape(8, 8).sum(axis=1))

    assert language.entropy == pytest.approx(language.irreducible(12))
    assert 13 * language.irreducible(13) == pytest.approx(12 * language.entropy + language.law.entropy - first)
    assert 14 * language.irreducible(14) == pytest.approx(13 * language.irreducible(13))
    assert 15 * language.irreducible(15) == pytest.approx(15 * language.entropy)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_a_learner_that_tabulates_falls_with_the_exponent_set_by_hand(alpha):
    """Learning from samples of 1,000 to 100,000 sequences, a straight line in logarithms: alpha / (1 + alpha)."""
    sizes = np.geomspace(1_000, 100_000, 7).astype(int)
    losses = [np.mean(losses_of_a_table(Skills(alpha=alpha, tokens=8_000_000), size)) for size in sizes]

    assert -alpha / (1 + alpha) == pytest.approx(np.polyfit(np.log(sizes), np.log(losses), 1)[0], abs=0.015)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("size", [1_000, 50_000])
def test_a_learner_that_tabulates_loses_what_the_closed_form_says(alpha, size):
    """Within four standard errors; where the tail is heavy (0.3), the bend of a finite number of skills too."""
    language = Skills(alpha=alpha, tokens=8_000_000)
    losses = losses_of_a_table(language, size)

    assert language.excess_after(size) == pytest.approx(
        np.mean(losses), abs=4 * np.std(losses, ddof=1) / len(losses) ** 0.5
    )


def losses_of_a_table(language, size):
    """loss - h under the language's law, after each of up to a hundred disjoint stretches of the training sample."""
    guess, (train, p) = log(language.vocabulary // 2) / language.length, names_and_law(language)
    starts = range(0, len(train) - size + 1, max(size, len(train) // 100))
    return [guess * (1 - p[np.unique(train[start : start + size])].sum()) for start in starts]


@lru_cache(maxsize=3)
def names_and_law(language):
    """The number of the skill of each training sequence, read from its name, and the probability of each skill."""
    base = language.vocabulary // 2
    digits = language.draw("train").reshape(-1, language.length)[:, :-1].astype(int) % base
    return digits @ base ** np.arange(language.digits)[::-1], language.law.p


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_a_learner_with_room_for_m_skills_falls_with_alpha(alpha):
    """While m is far from the number of skills."""
    language = Skills(alpha=alpha)
    ratio = language.excess_with(2_000) / language.excess_with(1_000)

    assert 2**-alpha == pytest.approx(ratio, rel=0.03)


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda: HiddenMarkov(classes=16, symbols=500), "500 symbols do not fall into 16 classes"),
        (lambda: Skills(alpha=0.0), "alpha above 0"),
        (lambda: Skills(vocabulary=255), "an even vocabulary"),
    ],
)
def test_a_language_that_cannot_be_is_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()
