"""Counted parameters against the models that `transformers` builds from the same configurations, without memory."""

import pytest
from built_models import TINY, build

from repro.sizing.adapters import count_lora, linear_names
from repro.sizing.families import FAMILIES, architecture
from repro.sizing.models.parameters import count_parameters
from repro.sizing.published import published


def test_a_published_model_has_the_parameters_we_count(subtests):
    """Exactly, for every configuration of published.toml; an mT5's own head apart, which `transformers` 5 ties."""
    for name, model in published().items():
        counts = count_parameters(model.architecture)
        tied_anyhow = counts.head if model.config["model_type"] == "mt5" else 0
        with subtests.test(model=name):
            assert build(model.config).num_parameters() == counts.total - tied_anyhow


def test_every_switch_of_a_configuration_is_counted(subtests):
    """Biases, tied tables, wide heads, windows, norms on heads: whatever changes a shape changes the count alike."""
    for name, config in TINY.items():
        with subtests.test(model=name):
            assert build(config).num_parameters() == count_parameters(architecture(config)).total


def test_an_untied_t5_has_a_head_of_its_own():
    """T5 1.1 does not share the embedding with the head; `transformers` 5 ties it while it builds, so no model here."""
    config = TINY["t5 gated"]
    tied, untied = architecture(config), architecture({**config, "tie_word_embeddings": False})

    assert 96 * 48 == count_parameters(untied).total - count_parameters(tied).total


def test_every_family_has_a_tiny_configuration_and_all_but_gemma_a_published_one():
    """A reader that no model tests may not exist."""
    assert set(FAMILIES) == {config["model_type"] for config in TINY.values()}
    assert {"gemma"} == set(FAMILIES) - {model.config["model_type"] for model in published().values()}


def test_kinds_add_up_and_active_is_all_for_dense_models(subtests):
    """The parts of a count are a partition."""
    for name, model in published().items():
        count = count_parameters(model.architecture)
        with subtests.test(model=name):
            assert count.total == sum(count.by_kind().values())
            assert (count.experts == 0) == (count.active == count.total)


def test_a_published_size_rounds_the_count(subtests):
    """Within 9 % the announced size is all parameters, or all but the tables of the vocabulary."""
    for name, model in published().items():
        count = count_parameters(model.architecture)
        sizes = (count.total, count.total - count.embedding - count.head)
        with subtests.test(model=name):
            assert any(model.said == pytest.approx(size, rel=0.09) for size in sizes)


@pytest.mark.parametrize(
    ("name", "total", "active"),
    [("mixtral-8x7b", 46.7e9, 12.9e9), ("deepseek-v2", 236e9, 21e9), ("deepseek-v3", 671e9, 37e9)],
)
def test_mixtures_have_the_active_parameters_of_their_papers(name, total, active):
    """Jiang et al. 2024, section 2.1; DeepSeek-AI 2024, abstracts of both reports."""
    count = count_parameters(published()[name].architecture)

    assert total == pytest.approx(count.total, rel=2e-3)
    assert active == pytest.approx(count.active, rel=0.02)


def test_gpt3_is_twelve_layers_squared_widths_and_its_embeddings():
    """12 L d^2 + V d leaves biases, norms and positions out, 0.03 %."""
    count = count_parameters(published()["gpt3-175b"].architecture)

    assert 12 * 96 * 12_288**2 + 50_257 * 12_288 == pytest.approx(count.total, rel=3e-4)


def test_lora_on_everything_counts_every_matrix_inside_the_layers():
    """r (d_in + d_out) a matrix: LLaMA-7B at rank 8 has 8 x 32 x (4 x 8192 + 3 x 15104)."""
    model = published()["llama-7b"].architecture

    assert 8 * 32 * (4 * 8192 + 3 * 15_104) == count_lora(model, 8, linear_names(model))
