"""What a model computes here and in transformers: logits, greedy tokens, gradients, chats, and the files that we write.

Needs FARTHING (the built binary), FARTHING_PROBE (the engine's example `model_probe`), and torch, transformers, peft and
pytest. `cargo xtask test --python` sets all of it. FARTHING_SMOLLM2 names a directory with SmolLM2-135M-Instruct; without
it the real model is left out.
"""

import json
import os
import subprocess

import peft
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from tiny_models import CASES, FARTHING, TEXTS, farthing, make

PROBE = os.environ.get("FARTHING_PROBE")
SMOLLM2 = os.environ.get("FARTHING_SMOLLM2")

pytestmark = pytest.mark.skipif(not (FARTHING and PROBE), reason="FARTHING and FARTHING_PROBE name no programs")

CHATS = [
    [{"role": "user", "content": "What is 12 + 30?"}],
    [
        {"role": "system", "content": "You count. Ünïcode, <tags> & \"quotes\"."},
        {"role": "user", "content": "one\n\ntwo"},
        {"role": "assistant", "content": "three "},
        {"role": "user", "content": "  four"},
    ],
]


def load(directory):
    # Rounding differs between attention kernels; the plain one is the definition.
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()


def probe(model, tokenizer, directory, place, sequences, prompts, new_tokens, *arguments):
    generator = torch.Generator().manual_seed(7)
    weights = [torch.randn(len(tokens) - 1, generator=generator).tolist() for tokens in sequences]
    place.mkdir()
    task = {
        "sequences": sequences,
        "weights": weights,
        "prompts": prompts,
        "new_tokens": new_tokens,
        "chats": CHATS,
        "texts": TEXTS,
    }
    (place / "input.json").write_text(json.dumps(task))
    command = [PROBE, "--model", directory, "--input", place / "input.json", "--output", place, *arguments]
    answer = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return load_file(place / "probe.safetensors"), json.loads((place / "probe.json").read_text()), weights


def check_numbers(model, tensors, sequences, weights):
    loss = 0.0
    for index, (tokens, weight) in enumerate(zip(sequences, weights)):
        logits = model(torch.tensor([tokens])).logits[0]
        # Relative beyond 1: a logit of 30 has no more digits than one of 3.
        found = tensors[f"logits/{index}"]
        difference = (found - logits.detach()).abs() / logits.detach().abs().clamp(min=1)
        assert difference.max() < 1e-4, (index, difference.max())
        logp = torch.log_softmax(logits[:-1], -1).gather(1, torch.tensor(tokens[1:])[:, None])[:, 0]
        loss = loss + (logp * torch.tensor(weight)).sum()
    loss.backward()
    compared = 0
    for name, parameter in model.named_parameters():
        found, expected = tensors[f"gradient/{name}"], parameter.grad
        # The norm of the difference over the norm: single elements may cancel to nothing.
        relative = (found - expected).norm() / expected.norm()
        assert relative < 1e-3, (name, relative)
        compared += 1
    assert compared == sum(name.startswith("gradient/") for name in tensors)


def check_greedy(model, greedy, prompts, new_tokens):
    config = GenerationConfig(do_sample=False, max_new_tokens=new_tokens, pad_token_id=0)
    # What a call leaves out comes from the model, and no end may cut the comparison short.
    model.generation_config.eos_token_id = None
    for prompt, found in zip(prompts, greedy):
        expected = model.generate(torch.tensor([prompt]), generation_config=config)[0, len(prompt) :].tolist()
        assert found == expected


def prompts_of(tokenizer, count, longest):
    """Prompts of many lengths, cut out of the texts."""
    tokens = [token for text in TEXTS * 3 for token in tokenizer(text, add_special_tokens=False)["input_ids"]]
    return [tokens[7 * index : 7 * index + 1 + (index * 5) % longest] for index in range(count)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def tiny(request, tmp_path_factory):
    place = tmp_path_factory.mktemp(request.param.name)
    make(request.param, place / "hf")
    return place / "hf", place


def test_the_same_numbers(tiny):
    directory, place = tiny
    model, tokenizer = load(directory), AutoTokenizer.from_pretrained(directory)
    sequences = prompts_of(tokenizer, 5, 60)[1:]
    prompts = prompts_of(tokenizer, 20, 40)
    tensors, found, weights = probe(model, tokenizer, directory, place / "probe", sequences, prompts, 64, "--shard-bytes", 50000)
    check_numbers(model, tensors, sequences, weights)
    check_greedy(model, found["greedy"], prompts, 64)
    for chat, rendered in zip(CHATS, found["chats"]):
        assert rendered == tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert found["texts"] == [tokenizer(text)["input_ids"] for text in TEXTS]

    # Written in shards, and opened there.
    sharded = place / "probe" / "sharded"
    assert len(list(sharded.glob("model-*.safetensors"))) > 2
    tokens = torch.tensor([sequences[0]])
    with torch.no_grad():
        assert torch.equal(load(sharded)(tokens).logits, model(tokens).logits)


def test_what_we_write_transformers_opens(tiny):
    directory, place = tiny
    out = place / "written"
    answer = farthing("export", directory, out)
    assert answer.returncode == 0, answer.stderr
    tokens = torch.tensor([prompts_of(AutoTokenizer.from_pretrained(directory), 9, 60)[8]])
    original, written = load(directory), load(out)
    with torch.no_grad():
        assert torch.equal(written(tokens).logits, original(tokens).logits)
    for name in ("tie_word_embeddings", "num_key_value_heads", "head_dim"):
        assert getattr(written.config, name, None) == getattr(original.config, name, None), name
    # We spell the defaults out.
    assert original.config.rope_parameters.items() <= written.config.rope_parameters.items()
    assert written.generation_config.eos_token_id == original.generation_config.eos_token_id
    ours, theirs = AutoTokenizer.from_pretrained(out), AutoTokenizer.from_pretrained(directory)
    for text in TEXTS:
        assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    for chat in CHATS:
        arguments = {"tokenize": False, "add_generation_prompt": True}
        assert ours.apply_chat_template(chat, **arguments) == theirs.apply_chat_template(chat, **arguments)


MANIFEST = """
[run]
name = "adapters"
device = "cpu"

[model]
path = "hf"
lora = { rank = 4, alpha = 8, rslora = true }

[[task]]
use = "countdown/countdown"
config = { numbers = 2, max_number = 9, max_target = 20, template = "tiny" }
rewards = [{ use = "countdown/exact" }, { use = "text/length", weight = 0.1, config = { max = 20 } }]

[[stage]]
kind = "sft"
examples = 32
steps = 4
batch = 8
update = { lr = 1e-2, warmup_steps = 0 }
"""


def test_adapters_that_we_train_peft_opens(tiny):
    directory, place = tiny
    (place / "run.toml").write_text(MANIFEST)
    for arguments in (
        ("train", place / "run.toml", "--out", place / "run"),
        ("export", place / "run", place / "merged"),
        ("export", place / "run", place / "adapter", "--format", "peft"),
    ):
        answer = farthing(*arguments)
        assert answer.returncode == 0, answer.stderr
    tokens = torch.tensor([prompts_of(AutoTokenizer.from_pretrained(directory), 9, 60)[8]])
    with torch.no_grad():
        base, merged = load(directory)(tokens).logits, load(place / "merged")(tokens).logits
        adapted = peft.PeftModel.from_pretrained(load(directory), place / "adapter").eval()
        found = adapted(tokens).logits
        checkpoint = next((place / "run" / "checkpoints").glob("step-*"))
        direct = peft.AutoPeftModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()(tokens).logits
    assert (base - merged).abs().max() > 1e-2, "the adapters changed nothing, so this says nothing"
    assert (found - merged).abs().max() < 1e-4 * merged.abs().max().clamp(min=1)
    assert torch.allclose(direct, found, atol=1e-5)


@pytest.mark.skipif(SMOLLM2 is None, reason="FARTHING_SMOLLM2 names no directory")
def test_a_real_model(tmp_path):
    model, tokenizer = load(SMOLLM2), AutoTokenizer.from_pretrained(SMOLLM2)
    questions = [f"What is {3 * index} + {index * index}? Explain how you know." for index in range(20)]
    chats = [[{"role": "user", "content": question}] for question in questions]
    prompts = [tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"] for chat in chats]
    sequences = [prompts[0], tokenizer(TEXTS[2])["input_ids"]]
    tensors, found, weights = probe(model, tokenizer, SMOLLM2, tmp_path / "probe", sequences, prompts, 64)
    check_numbers(model, tensors, sequences, weights)
    check_greedy(model, found["greedy"], prompts, 64)
    for chat, rendered in zip(CHATS, found["chats"]):
        assert rendered == tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
