"""A guess at the language of a text: by its script, and where many share that, by its commonest small words.

The guess is light, and "unknown" where it does not know: short texts, mixtures, code without prose, and the many
languages that it has no words of.
"""

from __future__ import annotations

import re
from collections import Counter

UNKNOWN = "unknown"
READ = 20_000  # characters that a guess is made from
LETTERS = 40  # a shorter text is not guessed at
SHARE = 0.6  # of the letters are of the script that counts
SMALL_WORDS = 0.12  # of the words, at the least, are the language's
AHEAD = 1.5  # times as many as of the next language

# One script, one language, as far as most texts go; the others share theirs.
_RANGES = {
    "Latin": "A-Za-z\u00c0-\u024f",
    "Cyrillic": "\u0400-\u04ff",
    "Greek": "\u0370-\u03ff",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff",
    "Devanagari": "\u0900-\u097f",
    "Thai": "\u0e00-\u0e7f",
    "Georgian": "\u10a0-\u10ff",
    "Armenian": "\u0530-\u058f",
    "kana": "\u3040-\u30ff",
    "Han": "\u4e00-\u9fff",
    "Hangul": "\uac00-\ud7af",
}
_SCRIPTS = {name: re.compile(f"[{signs}]") for name, signs in _RANGES.items()}
_OWN = {"Greek": "Greek", "Hebrew": "Hebrew", "Thai": "Thai", "Georgian": "Georgian", "Armenian": "Armenian"}
_WORDS = {
    "English": "the of and to in is that it for with as was on are be this by from at which not",
    "German": "der die und das ist nicht ein eine zu den von mit auf für dem sich im auch als wird",
    "French": "le la les des et est une dans que pour qui pas sur avec du ne au ce par sont",
    "Spanish": "el la los las que en una por con para del es se no un como más sus al lo",
    "Italian": "il di che la una per non con del della sono le gli si è nel dei anche come alla",
    "Portuguese": "o que não uma para com do da os em as dos por mais como ao na é das são",
    "Dutch": "de het een van en dat niet op te zijn voor met die er aan ook om bij naar maar",
    "Swedish": "och att det som en på är av för den till inte med ett har om kan jag så men",
    "Polish": "i w nie na się że do jest to z jak co o ale po od za przez tego są",
    "Turkish": "ve bir bu da de için ile çok olarak daha olan gibi ne en kadar sonra her ya mi var",
    "Russian": "и в не на что с как по это из к за от для или его но то все был",
    "Ukrainian": "і в не на що з як це до та є за від для або його але то був і",
}
_CYRILLIC = {"Russian", "Ukrainian"}
# single Latin letters are names of variables as well
_SMALL = {
    language: frozenset(word for word in words.split() if len(word) > 1 or language in _CYRILLIC)
    for language, words in _WORDS.items()
}


def language_of(text: str) -> str:
    """The language that a text seems to be in, or "unknown"."""
    part = text[:READ]
    counts = Counter({name: len(signs.findall(part)) for name, signs in _SCRIPTS.items()})
    letters = counts.total()
    if letters < LETTERS and not (counts["Han"] + counts["kana"] + counts["Hangul"] >= LETTERS / 4):
        return UNKNOWN
    if counts["kana"] > 0.1 * (counts["Han"] + counts["kana"]) and counts["Han"] + counts["kana"] >= SHARE * letters:
        return "Japanese"
    script, most = counts.most_common(1)[0]
    if most < SHARE * letters:
        return UNKNOWN
    if script in ("Latin", "Cyrillic"):
        return _by_small_words(part, cyrillic=script == "Cyrillic")
    return {"Han": "Chinese", "Hangul": "Korean", **_OWN}.get(script, UNKNOWN)


def _by_small_words(text: str, *, cyrillic: bool) -> str:
    words = re.findall(r"[^\W\d_]+", text.lower())
    shares = Counter(
        {
            language: sum(word in small for word in words) / max(1, len(words))
            for language, small in _SMALL.items()
            if (language in _CYRILLIC) is cyrillic
        }
    )
    (first, most), (_, next_most) = shares.most_common(2)
    return first if most >= SMALL_WORDS and most >= AHEAD * next_most else UNKNOWN
