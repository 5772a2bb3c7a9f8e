"""A survey finds what was put into a folder, knows what it does not know, and reads whatever lies there."""

from __future__ import annotations

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from repro.cli.data import app
from repro.curation.survey.languages import UNKNOWN, language_of
from repro.curation.survey.licences import licence_lines
from repro.curation.survey.report import report
from repro.curation.survey.survey import survey_folder

SAMPLES = {
    "English": "It was a fine day, and the children went to the river with their mother, who was in no hurry.",
    "German": "Es war ein schöner Tag, und die Kinder gingen mit der Mutter zu dem Fluss, der nicht weit von hier ist.",
    "French": "Les enfants sont dans le jardin avec une amie, et la mère ne voit pas que le chat est sur la table.",
    "Spanish": "Los niños están en el jardín con una amiga, y la madre no ve que el gato está en la mesa de la cocina.",
    "Russian": "Дети играли в саду, и мать не видела, что кот сидит на столе, но это было не так важно для нас.",
    "Greek": "Τα παιδιά παίζουν στον κήπο και η μητέρα δεν βλέπει τη γάτα.",
    "Japanese": "子供たちは庭で遊んでいて、母は猫がテーブルの上にいるのを見ていません。これはとてもよい日です。",
    "Chinese": "孩子们在花园里玩耍，母亲没有看见猫在桌子上。今天天气很好，我们都很高兴，明天还要再来这里玩。",
    "Korean": "아이들은 정원에서 놀고 있고 어머니는 고양이가 식탁 위에 있는 것을 보지 못합니다. 오늘은 좋은 날입니다.",
}


def words(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [f"word{rng.randrange(10_000)}" for _ in range(count)]


def written(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_survey_finds_what_was_put_there(tmp_path: Path):
    """Copies, near copies, empty and undecodable files, by name."""
    first, other = words(300, 0), words(300, 1)
    near = [*first[:150], "changed", *first[151:]]
    files = {"a.txt": " ".join(first), "b/copy.txt": " ".join(first), "c.txt": " ".join(near), "d.txt": " ".join(other)}
    faulty = {"empty.txt": " \n", "latin1.txt": "größer als".encode("latin-1"), "image.bin": bytes(range(32)) * 9}

    survey = survey_folder(written(tmp_path, {**files, **faulty}))

    assert (7, 4, 1_200) == (survey.files, survey.texts, survey.words)
    assert {"empty": 1, "undecodable": 1, "binary": 1} == survey.faults
    assert ["latin1.txt"] == survey.faulty["undecodable"]
    assert (1, 1, ["a.txt", "b/copy.txt"]) == (survey.exact.groups, survey.exact.extra, survey.exact.largest[0].names)
    assert ["a.txt", "c.txt"] == survey.near.largest[0].names
    assert 1 == survey.near.groups
    assert {"shortest": 300, "median": 300, "nine of ten": 300, "longest": 300} == survey.lengths


def test_text_without_spaces_has_near_copies_too(tmp_path: Path):
    rng = random.Random(0)
    signs = [chr(0x4E00 + rng.randrange(5_000)) for _ in range(400)]

    survey = survey_folder(written(tmp_path, {"a": "".join(signs), "b": "".join([*signs[:200], "新", *signs[201:]])}))

    assert 1 == survey.near.groups


@pytest.mark.parametrize("language", SAMPLES)
def test_a_language_is_told_by_script_and_small_words(language: str):
    assert language == language_of(SAMPLES[language])


@pytest.mark.parametrize(
    "text",
    ["", "abc", "x = [1, 2, 3]\n" * 9, "Lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor"],
)
def test_what_is_not_known_is_unknown(text: str):
    assert UNKNOWN == language_of(text)


def test_licence_lines_are_found_over_broken_lines_and_comment_signs():
    head = "# SPDX-License-Identifier: Apache-2.0 OR MIT\n# Copyright (c) 2020-2024, Somebody\n"
    phrase = "# Permission is hereby granted, free of charge, to any\n# person obtaining a copy of this"
    said = licence_lines(head + phrase)

    assert ({"Apache-2.0 OR MIT"}, {"MIT"}, True) == (said.spdx, said.phrases, said.copyright)
    assert not licence_lines("the right to copy was discussed in 2020").copyright
    assert {"LGPL"} == licence_lines("under the GNU Lesser General Public License").phrases


def test_the_command_tells_a_folder_to_people_and_programs(tmp_path: Path):
    folder = written(tmp_path / "mine", {"a.txt": SAMPLES["English"], "b.txt": SAMPLES["English"]})
    runner = CliRunner()
    for_people, for_programs = (runner.invoke(app, ["survey", str(folder), *more]) for more in ([], ["--json"]))
    survey = json.loads(for_programs.stdout)

    assert 0 == for_people.exit_code
    assert "languages, a guess: English 2" in for_people.stdout
    assert (2, 2, 1) == (survey["files"], survey["texts"], survey["exact"]["extra"])
    assert [{"files": 2, "names": ["a.txt", "b.txt"]}] == survey["exact"]["largest"]


@pytest.mark.parametrize(
    ("given_name", "more", "complaint"),
    [
        ("absent", [], "no folder and no text is named"),
        ("file.txt", [], "is no folder"),
        ("empty", [], "holds no files"),
        ("empty", ["--vocabulary", "512"], "not for a folder"),
    ],
)
def test_what_is_no_folder_of_text_is_told_in_a_sentence(
    tmp_path: Path, given_name: str, more: list[str], complaint: str
):
    written(tmp_path, {"file.txt": "words"})
    (tmp_path / "empty").mkdir()

    answer = CliRunner().invoke(app, ["survey", str(tmp_path / given_name), *more])

    assert 2 == answer.exit_code
    assert complaint in " ".join(answer.output.replace("│", " ").split())


BYTES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(str.encode),
    st.text(max_size=100).map(lambda text: text.encode("utf-16", errors="replace")),
    st.sampled_from(
        [b"", b"\xff\xfe", b"\xfe\xff\x00", b"\xef\xbb\xbf", b"\0" * 50, b"\xff\xfe\x00\xd8", b"a" * 5_000]
    ),
)
NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in {b".", b".."}
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.dictionaries(NAMES, BYTES, min_size=1, max_size=5))
def test_whatever_lies_in_a_folder_is_surveyed(contents: dict[bytes, bytes]):
    """Arbitrary bytes under arbitrary names give a survey that people and programs can read."""
    with TemporaryDirectory() as folder:
        for name, content in contents.items():
            Path(folder, name.decode(errors="surrogateescape")).write_bytes(content)

        survey = survey_folder(Path(folder))

        assert len(contents) == survey.files == survey.texts + sum(survey.faults.values())
        assert sum(map(len, contents.values())) == survey.bytes
        assert survey.texts == sum(survey.languages.values())
        ("\n".join(report(survey)) + json.dumps(survey.plain())).encode()
