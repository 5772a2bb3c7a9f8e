"""Parallel texts: the same sentences in hundreds of languages, by name and sha256."""

from repro.corpora.parallel.reading import SPLITS, language_name, languages, lines, sentences

__all__ = ["SPLITS", "language_name", "languages", "lines", "sentences"]
