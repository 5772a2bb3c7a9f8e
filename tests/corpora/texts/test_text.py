"""Text to tokens and back: what training reads is what the text says."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from repro.corpora.texts import text as texts
from repro.corpora.texts.environment import documents, environment, text_of
from repro.corpora.texts.hub import Hub
from repro.corpora.texts.manifest import manifest
from repro.corpora.texts.text import HiddenMarkov, Skills, Text, TokensDiffer, tokens_of
from repro.corpora.texts.tokenisers import bits_per_byte
from repro.floor import places
from repro.floor.identity import rebuild, spell

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = [
    environment("python-small"),
    Hub(name="someone/data", revision=COMMIT, files=("data/*.parquet",)),
    HiddenMarkov(tokens=2_000),
    Skills(tokens=2_000),
]


@dataclass(frozen=True)
class Run:
    """A configuration that holds a text, as a training run does."""

    text: Text


@pytest.fixture(autouse=True)
def fresh():
    """No pack that an earlier test opened."""
    tokens_of.cache_clear()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: type(text).__name__)
def test_a_text_in_a_configuration_is_spelled_and_rebuilt(text):
    assert Run(text) == rebuild(Run, json.loads(json.dumps(spell(Run(text)))))


def test_no_library_of_the_training_extra_is_needed_to_name_a_text():
    """Nor for the tokens of a synthetic one."""
    code = (
        "import sys; from repro.corpora.texts.text import Skills, tokens_of; tokens_of(Skills(tokens=400, digits=1)); "
        "print(sorted({'torch', 'datasets', 'tokenizers', 'transformers'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})

    assert "[]" == found.stdout.strip()


def test_a_synthetic_text_comes_with_its_entropy():
    text = Skills(tokens=2_000, test_tokens=400)
    tokens = tokens_of(text)

    assert text.draw("train").tolist() == tokens.train.tolist()
    assert text.draw("test").tolist() == tokens.test.tolist()
    assert (256, None, text.entropy) == (tokens.vocabulary, tokens.bytes_per_token, tokens.entropy)


def test_other_texts_have_other_tokens():
    assert tokens_of(Skills(tokens=2_000)).sha256 != tokens_of(Skills(tokens=2_000, seed=1)).sha256


def test_a_damaged_cache_is_noticed_and_made_again():
    text = HiddenMarkov(tokens=2_000, test_tokens=100)
    whole = tokens_of(text)
    path = Path(whole.train.filename)
    path.write_bytes(path.read_bytes()[:-2])
    tokens_of.cache_clear()

    assert whole.sha256 == tokens_of(text).sha256
    assert 2_000 == len(tokens_of(text).train)


def test_bits_per_byte_are_those_of_a_fair_coin():
    """ln 2 nats a token of one byte are one bit; a token of two bytes halves it."""
    assert 1.0 == bits_per_byte(math.log(2), 1.0)
    assert 0.5 == bits_per_byte(math.log(2), 2.0)


class TestWithTokenizers:
    """What needs the extra `training`."""

    @pytest.fixture(autouse=True)
    def needs(self):
        pytest.importorskip("tokenizers")

    def test_tokens_of_the_small_text_read_back_as_the_text(self):
        """Every document, in order, ended by token 0; and the bytes a token are those of the test split."""
        from repro.corpora.texts.tokenisers import END, sample_of, tokeniser

        small, tokens = manifest("python-small"), tokens_of(environment("python-small"))
        whole = text_of(small)
        train, test = documents(whole[: small.train_bytes]), documents(whole[small.train_bytes :])
        made = tokeniser(sample_of(train), 512)
        pieces = np.split(tokens.test, np.flatnonzero(tokens.test == 0) + 1)[:-1]

        assert test == made.decode_batch([piece[:-1].tolist() for piece in pieces])
        assert len(train) == (tokens.train == 0).sum()
        assert sum(len(each.encode()) for each in test) / len(tokens.test) == tokens.bytes_per_token
        assert 512 == tokens.vocabulary == made.get_vocab_size() > tokens.train.max()
        assert 0 == made.token_to_id(END)

    def test_a_tokeniser_is_the_same_however_many_threads_train_it(self):
        """Trained in two processes, one with a single thread."""
        code = (
            "from repro.corpora.texts.tokenisers import tokeniser; import random; random.seed(0); "
            "words = [''.join(random.choices('abcdef', k=4)) for _ in range(400)]; "
            "documents = [' '.join(random.choices(words, k=200)) for _ in range(200)]; "
            "print(tokeniser(documents, 400).to_str())"
        )
        made = {
            subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                env={
                    **os.environ,
                    "RAYON_NUM_THREADS": str(threads),
                    "REPRO_CACHE": str(places.cache() / str(threads)),
                },
            ).stdout
            for threads in (1, 4)
        }

        assert 1 == len(made) and 400 == len(json.loads(made.pop())["model"]["vocab"])

    def test_other_tokens_than_the_manifest_states_are_refused(self, monkeypatch, tmp_path):
        """And nothing of them is kept."""
        monkeypatch.setenv("REPRO_CACHE", str(tmp_path))
        monkeypatch.setattr(texts, "tokeniser", lambda sample, vocabulary: None)
        monkeypatch.setattr(texts, "encode", lambda made, documents: iter([np.zeros(len(list(documents)), "<u2")]))

        with pytest.raises(TokensDiffer, match=r"python-small.*constraints\.txt"):
            tokens_of(environment("python-small"))
        assert [] == list((tmp_path / "tokens").iterdir())

    def test_a_text_of_another_version_is_refused(self):
        with pytest.raises(ValueError, match="as in an older version"):
            tokens_of(texts.Environment(manifest="python-small", sha256="0" * 64))

    def test_a_vocabulary_without_room_for_the_bytes_is_refused(self):
        with pytest.raises(ValueError, match="at least 257"):
            tokens_of(environment("python-small", 256))
