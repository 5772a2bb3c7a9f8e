"""The tokeniser of the calculators' page equals tiktoken and tokenizers, and refuses what it does not read."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest

from repro.bookkeeping.display.elements import embedded
from repro.corpora.vocabularies.encoders import Ranks, encoder
from repro.corpora.vocabularies.ours import for_pages, our_ranks, our_vocabularies, our_vocabulary
from repro.corpora.vocabularies.published import form_of_pattern, patterns

pytestmark = pytest.mark.browser
STATIC = Path(__file__).parents[2] / "book" / "_static"
TEXTS = [
    "",
    " ",
    "hello world",
    "Hello  world\n\n  and   more \t\n",
    "line one\r\nline two\r\n\r\n  indented\r",
    "don't WON'T it'S they'LL we'Ve I'ſ 'Re",
    "1234567890 3.14159 ١٢٣٤ १२३ ½ Ⅷ 12,345,678",
    "def f(x: int) -> int:\n    return x**2  # größer\n",
    'if (a[i] != b && c->d) { x = "\\n"; } </script>',
    "👩‍👩‍👧‍👦 🇧🇷 👍🏽 🤷‍♀️ ☃️",
    "مرحبا بالعالم، كيف حالك؟ السَّلامُ عَلَيْكُم",
    "हिन्दी में निर्दिष्ट किया गया है। தமிழ் ภาษาไทย မြန်မာ",
    "日本語のテキスト、中文文本。한국어 텍스트 混ざったtext",
    "Việt Nam Tie\u0302\u0301ng Vie\u0323\u0302t e\u0301 é Å Å ﬁ",
    "Ünïcödé ΕΛΛΗΝΙΚΆ кириллица עִבְרִית ᏣᎳᎩ ᱥᱟᱱᱛᱟᱲᱤ",
    "\u00a0\u2003\u3000\u200b\ufeff\u0085\u2028 x\u00ad\u0000\u001f\x7f",
    "<|endoftext|> [CLS] <s> ▁ĠĊ",
    "a" * 300 + "!" * 100 + " " * 70 + "x",
    "camelCaseHTTPServer snake_case_name X1y2Z3 ǅungla ªº",
]
HALVES = ["\ud83d", "a\ude00b", "\ud83d\ud83d\ude00\ude00 x", "\ude00\ud83d", "x\ud800 y\udfff"]


def fuzz(count: int) -> list[str]:
    """Strings of letters of many scripts, white space, digits and marks, drawn once for all."""
    draw = random.Random(0)
    alphabet = "aZé 1٣\n\r\t'sTll.,_-/(\u0301\u0941क日あ한العżß\u00a0😀🏽\ufeff\u0085"
    return ["".join(draw.choices(alphabet, k=draw.randint(1, 30))) for _ in range(count)]


@pytest.fixture(scope="module")
def ask(browser):
    """Evaluates an expression of (tokens, argument) on a page that holds nothing but the script and its data."""
    page = browser.new_page()
    page.set_content(embedded(for_pages(), "repro-vocabularies"))
    page.add_script_tag(path=str(STATIC / "tokens.js"))
    yield lambda expression, argument: page.evaluate(f"(argument) => {{ {expression} }}", argument)
    page.close()


def ids(ask, made: str, *given: object) -> list[list[int]]:
    """What a vocabulary of the page makes of texts; the last argument is the texts."""
    told = f"const texts = argument.pop(); const {{ encode }} = {made};"
    return ask(f"{told} return texts.map((text) => encode(text).map(({{ id }}) => id));", [*given])


@pytest.mark.parametrize("name", our_vocabularies())
def test_our_vocabularies_cut_as_tiktoken_does(ask, name):
    texts = TEXTS + fuzz(400)
    made = encoder(our_vocabulary(name))

    assert [made.ids(text) for text in texts] == ids(ask, "tokens.ours(argument[0])", name, texts)


def test_halves_of_surrogate_pairs_are_read_as_tiktoken_reads_them(ask):
    """JavaScript has them; they are sent as numbers, since no protocol carries them."""
    name = "world-1024"
    made = encoder(our_vocabulary(name))
    units = [list(text.encode("utf-16-le", "surrogatepass")) for text in HALVES]
    pairs = [[low + 256 * high for low, high in zip(each[::2], each[1::2], strict=True)] for each in units]
    texts = "argument[1].map((units) => String.fromCharCode(...units))"
    expression = f"return {texts}.map((text) => tokens.ours(argument[0]).encode(text).map(({{ id }}) => id));"

    assert [made.ids(text) for text in HALVES] == ask(expression, [name, pairs])


@pytest.mark.parametrize("pattern", patterns())
def test_rank_files_are_cut_by_every_pattern_as_tiktoken_does(ask, pattern):
    texts, ranks = TEXTS + fuzz(400), our_ranks("world-4096")
    file = "".join(f"{base64.b64encode(entry).decode()} {rank}\n" for entry, rank in ranks.items())
    made = Ranks(ranks, patterns()[pattern], form_of_pattern()[pattern])

    found = ids(ask, "tokens.fromFile(argument[0], argument[1])", file, pattern, texts)

    assert [made.ids(text) for text in texts] == found


def tokenizer_json(**changes: object) -> dict:
    """A tokenizer.json of our merges, which are pairs of entries there."""
    tokenizers = pytest.importorskip("tokenizers")
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=sorted(alphabet), show_progress=False, special_tokens=["<|endoftext|>"]
    )
    bpe.train_from_iterator(TEXTS * 3 + fuzz(300), trainer)
    parts = json.loads(bpe.to_str())
    model = {**parts["model"], **changes.pop("model", {})}
    return {**parts, **changes, "model": model}


SPLITS = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": r"\p{N}{1,3}"}, "behavior": "Isolated", "invert": False},
        {"type": "Split", "pattern": {"Regex": "[一-龥ぁ-ゟ]+"}, "behavior": "Isolated", "invert": False},
        {"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated", "invert": False},
        {
            "type": "Split",
            "pattern": {"Regex": r"(?i:'s|'t|'ll)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\s+(?!\S)|\s+"},
            "behavior": "Isolated",
            "invert": False,
        },
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ],
}
DIGITS = {
    "type": "Sequence",
    "pretokenizers": [{"type": "Digits", "individual_digits": True}, SPLITS["pretokenizers"][-1]],
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"ignore_merges": True}},
        {"normalizer": {"type": "NFC"}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}]}, "pre_tokenizer": SPLITS},
        {"pre_tokenizer": DIGITS},
    ],
    ids=["plain", "whole words first", "NFC", "splits", "digits"],
)
def test_a_tokenizer_json_is_read_as_tokenizers_reads_it(ask, changes):
    file = json.dumps(tokenizer_json(**changes))
    library = pytest.importorskip("tokenizers").Tokenizer.from_str(file)
    library.encode_special_tokens = True
    texts = TEXTS + fuzz(400)
    expected = [library.encode(text, add_special_tokens=False).ids for text in texts]

    assert expected == ids(ask, "tokens.fromFile(argument[0])", file, texts)


def test_a_merge_too_many_would_be_found(ask):
    """The comparison can fail: the same file with two merges exchanged cuts some text otherwise."""
    file = tokenizer_json()
    merges = file["model"]["merges"]
    merges[3], merges[40] = merges[40], merges[3]
    library = pytest.importorskip("tokenizers").Tokenizer.from_str(json.dumps(tokenizer_json()))
    texts = TEXTS + fuzz(400)

    expected = [library.encode(text, add_special_tokens=False).ids for text in texts]
    assert expected != ids(ask, "tokens.fromFile(argument[0])", json.dumps(file), texts)


def without_model(model_type: str) -> str:
    return json.dumps({**tokenizer_json(), "model": {"type": model_type, "vocab": {}}})


def test_other_files_are_refused_in_a_sentence(ask):
    split = {**SPLITS["pretokenizers"][0], "behavior": "Removed"}
    possessive = {**SPLITS["pretokenizers"][0], "pattern": {"Regex": r"\p{L}++"}}
    level = SPLITS["pretokenizers"][-1]
    files = [
        "",
        "{",
        "[]",
        "null",
        '{"a": 1}',
        "\x00\x01binary",
        without_model("WordPiece"),
        without_model("Unigram"),
        json.dumps(tokenizer_json(model={"byte_fallback": True})),
        json.dumps(tokenizer_json(pre_tokenizer={"type": "Whitespace"})),
        json.dumps(tokenizer_json(pre_tokenizer={**level, "add_prefix_space": True})),
        json.dumps(tokenizer_json(pre_tokenizer={"type": "Sequence", "pretokenizers": [split, level]})),
        json.dumps(tokenizer_json(pre_tokenizer={"type": "Sequence", "pretokenizers": [possessive, level]})),
        json.dumps(tokenizer_json(normalizer={"type": "Lowercase"})),
        "IQ== 0\nIg== 1\n",
        "IQ== 0\nnonsense\n",
        "".join(f"{base64.b64encode(bytes([byte])).decode()} {byte}\n" for byte in range(256)),
    ]
    told = "try { tokens.fromFile(file); return ''; } catch (error) { return error.message; }"
    found = ask(f"return argument.map((file) => {{ {told} }});", files)

    assert all(30 < len(one) < 250 and one.endswith(".") for one in found), found
    assert "WordPiece" in found[6]
    assert "possessive" in found[12]
