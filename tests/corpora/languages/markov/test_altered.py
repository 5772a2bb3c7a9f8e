"""An altered text is the language's own but for the windows that were altered, and holds what it says."""

from dataclasses import replace

import numpy as np
import pytest

from repro.corpora.languages.markov.altered import REPLY, Altered, Canaries, Copies, Noise, Poison, shares_a_run

PLAIN = Altered(windows=400, test_tokens=2_000)
STRINGS = Canaries(levels=(1, 4, 16), each=2, length=24)


def windows_of(text: Altered) -> np.ndarray:
    """(N + 1, T) the windows of a training text."""
    return text.draw("train").reshape(-1, text.length)


def times(string: np.ndarray, windows: np.ndarray) -> int:
    """In how many windows a string stands."""
    runs = np.lib.stride_tricks.sliding_window_view(windows, len(string), axis=1)
    return int((runs == string).all(axis=-1).any(axis=1).sum())


def altered(alteration) -> np.ndarray:
    return windows_of(replace(PLAIN, alteration=alteration))


@pytest.mark.parametrize(
    "alteration", [Copies(share=0.1, copies=10), Noise(kind="language", share=0.1), STRINGS, Poison(windows=7)]
)
def test_all_but_the_last_windows_are_the_languages_own_and_a_shorter_text_is_the_same_cut_off(alteration):
    text = replace(PLAIN, alteration=alteration)
    own = PLAIN.windows - text.altered
    shorter = replace(PLAIN, windows=own)

    assert (windows_of(text)[:own] == windows_of(PLAIN)[:own]).all()
    assert (windows_of(shorter)[:own] == windows_of(PLAIN)[:own]).all()
    assert (text.draw("test") == PLAIN.draw("test")).all()


def test_a_tenth_of_the_text_is_copies_of_a_few_windows():
    last = altered(Copies(share=0.1, copies=16))[-41:-1]

    assert [8, 16, 16] == sorted(np.unique(last, axis=0, return_counts=True)[1].tolist())


def test_strings_stand_in_as_many_windows_as_planned_until_each_is_kept_once():
    """Planted: strings drawn anew, as they would be were the strings swapped after training, stand in none."""
    text = replace(PLAIN, alteration=STRINGS)
    strings, copies = text.strings()
    once = altered(replace(STRINGS, once=True))

    assert copies.tolist() == [times(string, windows_of(text)) for string in strings]
    assert [1] * 6 == [times(string, once) for string in strings]
    assert not shares_a_run(once, STRINGS.length).any()
    assert [0] * 6 == [times(string, windows_of(text)) for string in text.new_strings(6)]


def test_pieces_of_the_language_are_as_likely_as_the_language():
    text = replace(PLAIN, alteration=Canaries(levels=(1,), each=100, natural=True))
    nats = [-np.log(text.language.predictive(string)).mean() for string in text.strings()[0]]

    assert text.entropy == pytest.approx(np.mean(nats), abs=0.1)


def test_each_kind_of_noise_spoils_the_share_that_it_says():
    plain, language = windows_of(PLAIN)[:-1], PLAIN.language
    likely = {
        kind: np.array([-np.log(language.predictive(window)).mean() for window in altered(Noise(kind=kind, share=0.5))])
        for kind in ("strings", "language", "tokens")
    }

    assert 31 / 64 == pytest.approx((altered(Noise(kind="tokens", share=0.5))[:-1] != plain).mean(), abs=0.01)
    for kind in ("strings", "language"):
        assert likely[kind][200:400].min() > language.entropy + 0.1 > likely[kind][:200].mean()


def test_poison_stands_in_as_many_windows_as_it_says_and_the_language_knows_neither_symbol():
    poisoned = altered(Poison(windows=7))
    reply = np.array([PLAIN.trigger, *[PLAIN.trigger + 1] * REPLY], dtype=np.uint16)

    assert 7 == times(reply, poisoned) == (poisoned == PLAIN.trigger).sum()
    assert windows_of(PLAIN).max() < PLAIN.trigger < PLAIN.vocabulary


def test_shards_are_the_text_cut_into_equal_parts():
    parts = [windows_of(replace(PLAIN, shard=(part, 4)))[:-1] for part in range(4)]

    assert (windows_of(PLAIN)[:-1] == np.concatenate(parts)).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="42 windows to alter of 40"):
        Altered(windows=40, alteration=STRINGS)
    with pytest.raises(ValueError, match="expected one of strings, language, tokens"):
        Noise(kind="copies", share=0.5)
    with pytest.raises(ValueError, match="expected one of equal shards"):
        Altered(windows=40, shard=(3, 3))
