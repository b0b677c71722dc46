"""Tiny random models of every family with real tokenizers, made here so that nothing is downloaded."""

import os
import subprocess
from dataclasses import dataclass

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

FARTHING = os.environ.get("FARTHING")

CORPUS = [
    "the number of the numbers is 21 and 5, so 21-5=16; it's what they'd say, isn't it?",
    "think: 3*7=21; answer: 21-5. Then the thinker thinks again and again.\n\n  And again.",
    "naïve café, größer, señor, 数字 数字, привет привет, 🙂 🙂",
    "def f(x):\n    return x ** 2  # comment\n",
] * 20

# Composed text only: llama.cpp never composes, tokenizers of the Qwen family do.
TEXTS = [
    "the numbers 3*7=21, 1234567",
    "  two  spaces and\n\n\nlines\t.\r\n",
    "naïve 数字 привет größer ß",
    "it's THEY'D we'll",
    "emoji 🙂👩‍👩‍👧🏽!",
    "<|im_start|>user\nhi <think>a</think><|im_end|>\n",
    "def f(x):\n    return x ** 2\n",
    "".join(map(chr, range(1, 128))),
    "\u00a0\u2003x",
]

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_level(kind):
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
    split = {"llama3": LLAMA3, "qwen2": QWEN2}.get(kind)
    if split:
        cut = [
            pre_tokenizers.Split(Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    else:
        cut = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cut)
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=SPECIAL,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in ("<think>", "</think>")])
    bos = None
    if kind == "llama3":
        bos = "<|endoftext|>"
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=bos, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


def sentence_piece():
    """Pieces with the merges that a converted SentencePiece model has: every way to cut each piece."""
    pieces = ["▁" + w for w in ("the", "number", "numbers", "is", "and", "a", "th", "n", "i")]
    pieces += ["th", "he", "er", "in", "nu", "num", "ber", "umb", "is", "an", "and", "nd"]
    letters = sorted(set("".join(pieces)) | set("abcdefghijklmnopqrstuvwxyz0123456789.,=-*▁"))
    vocab = {token: id for id, token in enumerate(["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)])}
    for piece in letters + pieces:
        vocab.setdefault(piece, len(vocab))
    merges = []
    for piece in sorted(pieces, key=lambda piece: (len(piece), vocab[piece])):
        merges += [
            (piece[:at], piece[at:]) for at in range(len(piece) - 1, 0, -1) if piece[:at] in vocab and piece[at:] in vocab
        ]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@dataclass
class Case:
    name: str
    tokenizer: str
    config: dict
    # What transformers' own GGUF loader leaves out.
    lost_in_transformers: str = ""


CASES = [
    Case("llama", "smollm", {"model_type": "llama", "tie_word_embeddings": False}),
    Case(
        "llama3",
        "llama3",
        {
            "model_type": "llama",
            "tie_word_embeddings": True,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 1000.0,
                "factor": 4.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        },
        "rope_freqs.weight and ignore_merges",
    ),
    Case("llama-spm", "sentence_piece", {"model_type": "llama", "tie_word_embeddings": False}, "the word mark's place"),
    Case("qwen2", "qwen2", {"model_type": "qwen2", "tie_word_embeddings": True}),
    Case(
        "qwen2-yarn",
        "qwen2",
        {
            "model_type": "qwen2",
            "tie_word_embeddings": True,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 5000.0,
                "factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        },
        "rope.scaling",
    ),
    # transformers' GGUF loader knows no other width of a head for Qwen3.
    Case("qwen3", "qwen2", {"model_type": "qwen3", "tie_word_embeddings": True, "head_dim": 128}),
    Case("mistral", "llama3", {"model_type": "mistral", "sliding_window": None}, "ignore_merges"),
]


def farthing(*arguments):
    return subprocess.run([FARTHING, *map(str, arguments)], capture_output=True, text=True)


def make(case, directory):
    tokenizer = sentence_piece() if case.tokenizer == "sentence_piece" else byte_level(case.tokenizer)
    tokenizer.chat_template = TEMPLATE
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}}
    config = AutoConfig.for_model(
        **{
            "vocab_size": len(tokenizer) + 5,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "max_position_embeddings": 256,
            "initializer_range": 0.25,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            **rope,
            **case.config,
        }
    )
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).float()
    for name, parameter in model.named_parameters():
        # New norms are 1 and new biases 0, which would hide a mistake.
        if parameter.dim() == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
