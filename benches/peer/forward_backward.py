"""Forward and backward alone with PyTorch, on the tokens that our side takes, in two ways.

`fused` is what TRL 1.16 does in a GRPO step: its fused language-model head, log-probabilities and entropies of the
completion's tokens in chunks. `plain` is what most people write: logits of the completion's positions, log-softmax,
gather. All sequences have one length, so nothing is padded. Both are measured, and the faster counts.
"""

import argparse
from pathlib import Path

from measuring import memory, read_batch, report, timed

import torch
from transformers import AutoModelForCausalLM


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batch", type=Path, required=True)
    parser.add_argument("--micro-batch", type=int, help="sequences at once; all by default")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    batch = read_batch(options.batch)
    sequences = torch.tensor(batch["sequences"])
    completion = sequences.shape[1] - batch["prompt_length"]
    size = options.micro_batch or len(sequences)
    parts = sequences.split(size)
    scale = -1.0 / (len(sequences) * completion)

    def load():
        return AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).train()

    plain_model, fused_model = load(), load()
    add_fused_head(fused_model)

    def plain() -> None:
        for ids in parts:
            out = plain_model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                logits_to_keep=completion + 1,
                use_cache=False,
            )
            logp = torch.log_softmax(out.logits[:, :-1], dim=-1)
            logp = logp.gather(-1, ids[:, -completion:, None]).squeeze(-1)
            (scale * logp.sum()).backward()
        plain_model.zero_grad()

    def fused() -> None:
        for ids in parts:
            labels = ids.clone()
            labels[:, :-completion] = -100
            out = fused_model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                labels=labels,
                fused_lm_head=True,
                use_cache=False,
            )
            (scale * out.log_probs[:, -completion:].sum()).backward()
        fused_model.zero_grad()

    seconds = {"plain": [], "fused": []}
    for round in range(options.warm_up + options.repeats):
        for name, work in [("plain", plain), ("fused", fused)]:
            time = timed(work)
            if round >= options.warm_up:
                seconds[name].append(time)
    report(seconds=seconds, sequences=len(sequences), length=sequences.shape[1], peak=memory()["peak"])


def add_fused_head(model) -> None:
    from trl.trainer.grpo_trainer import add_fused_lm_head

    add_fused_lm_head(model, temperature=1.0, outputs=("log_probs", "entropy"))


if __name__ == "__main__":
    main()
