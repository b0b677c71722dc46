"""Merges of models that transformers wrote, opened by transformers.

Needs FARTHING (the built binary), and torch, transformers and pytest. `cargo xtask test --python` sets all of it.
"""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tiny_models import CASES, FARTHING, TEXTS, farthing, make

pytestmark = pytest.mark.skipif(not FARTHING, reason="FARTHING names no program")


def load(directory, dtype):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=dtype).eval()


@pytest.fixture
def models(tmp_path):
    """Two models of one shape whose weights differ, and a base."""
    make(next(case for case in CASES if case.name == "qwen2"), tmp_path / "base")
    model = load(tmp_path / "base", torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    for seed, name in enumerate(("first", "second")):
        torch.manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    return tmp_path


def merged(place, *arguments, dtype=torch.float32):
    answer = farthing("merge", place / "merged", place / "first", place / "second", *arguments)
    assert answer.returncode == 0, answer.stderr
    return dict(load(place / "merged", dtype).named_parameters())


def parameters(place, name, dtype=torch.float32):
    return dict(load(place / name, dtype).named_parameters())


def test_a_linear_merge_is_the_mean(models):
    first, second = parameters(models, "first"), parameters(models, "second")
    for name, found in merged(models, "--weight", 3, "--weight", 1).items():
        expected = 0.75 * first[name].double() + 0.25 * second[name].double()
        assert torch.equal(found, expected.float()), name
    tokenizers = [AutoTokenizer.from_pretrained(models / name) for name in ("first", "merged")]
    for text in TEXTS:
        assert tokenizers[0](text)["input_ids"] == tokenizers[1](text)["input_ids"]


def test_task_arithmetic_adds_to_the_base(models):
    base = parameters(models, "base")
    first, second = parameters(models, "first"), parameters(models, "second")
    arguments = ("--method", "task-arithmetic", "--base", models / "base", "--scale", 0.8)
    for name, found in merged(models, *arguments).items():
        mean = (first[name].double() + second[name].double()) / 2
        expected = base[name].double() + 0.8 * (mean - base[name].double())
        assert torch.allclose(found.double(), expected, rtol=1e-6, atol=1e-8), name


def test_bf16_stays_bf16(models):
    for name in ("first", "second"):
        load(models / name, torch.bfloat16).save_pretrained(models / name)
    first, second = (parameters(models, name, "auto") for name in ("first", "second"))
    for name, found in merged(models, dtype="auto").items():
        assert found.dtype == torch.bfloat16
        assert torch.equal(found, ((first[name].double() + second[name].double()) / 2).bfloat16()), name
