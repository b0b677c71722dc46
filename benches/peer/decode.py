"""Decoding alone with transformers' `generate`: key-value cache, sampling at temperature 1, no end of sequence.

Prompts are padded on the left to the longest, as TRL does it; each is repeated for its group.
"""

import argparse
from pathlib import Path

from measuring import memory, read_batch, repeated, report

import torch
from transformers import AutoModelForCausalLM, GenerationConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batch", type=Path, required=True)
    parser.add_argument("--new-tokens", type=int, required=True)
    parser.add_argument("--groups", type=int)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    prompts = read_batch(options.batch)["prompts"][: options.groups]
    rows = [prompt for prompt in prompts for _ in range(options.group)]
    longest = max(map(len, rows))
    input_ids = torch.tensor([[1] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    # What TRL asks for, without an end of sequence.
    settings = GenerationConfig(
        max_new_tokens=options.new_tokens,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        pad_token_id=1,
        eos_token_id=None,
        use_cache=True,
        disable_compile=True,
    )

    def draw() -> None:
        with torch.no_grad():
            out = model.generate(input_ids, attention_mask=mask, generation_config=settings)
        length = out.shape[1] - longest
        if length != options.new_tokens:
            raise SystemExit(f"the attempts have {length} tokens, expected {options.new_tokens}")

    torch.manual_seed(0)
    seconds = repeated(draw, options.warm_up, options.repeats)
    report(seconds=seconds, attempts=len(rows), new_tokens=options.new_tokens, peak=memory()["peak"])


if __name__ == "__main__":
    main()
