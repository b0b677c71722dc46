"""Writes reference.json: what PyTorch says of MGPO, on two small steps.

Written from the paper's formulas (arXiv 2511.06221, section 3.4; Long2Short from 2606.16140)
in the padded (B, T) form that TRL and verl use, with autograd for the derivatives; nothing
here is shared with the Rust code. All in f64. Made with Python 3.11.7 and PyTorch 2.15.0;
any later version will do:

    python3 plugins/ssp/tests/reference.py > plugins/ssp/tests/reference.json
"""

import json
import math
import sys

import torch

torch.set_default_dtype(torch.float64)

# Solved by one of four, by two of three whose third earned something else, by a single one
# that is left, by all three.
GROUPS = [4, 3, 1, 3]
LENGTHS = [5, 2, 7, 1, 3, 6, 4, 2, 5, 1, 8]
REWARDS = [1.0, 0.0, 0.25, 0.0, 1.1, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0]


def make_step(seed, spread):
    """Flat arrays, rounded to four digits for the reader."""
    g = torch.Generator().manual_seed(seed)
    tokens = sum(LENGTHS)
    old = -4 * torch.rand(tokens, generator=g) - 0.05

    def near(x, by):
        return (x + by * torch.randn(tokens, generator=g)).clamp(max=-0.01)

    flat = {"old_logp": old, "logp": near(old, spread), "ref_logp": near(old, 0.1)}
    return {k: [round(x, 4) for x in v.tolist()] for k, v in flat.items()}


def pad(flat):
    """(T,) -> (B, T_max), zeros on the right; the host's arrays are f32."""
    rows = torch.tensor(flat, dtype=torch.float32).double().split(LENGTHS)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


MASK = pad([1.0] * sum(LENGTHS))  # (B, T)


def long2short(rewards, lengths, correct, delta):
    """r' = r + delta (s - mean s) / max |s - mean s| over the correct ones, s = 1 / length."""
    rewards = rewards.clone()
    s = 1.0 / lengths[correct]
    if len(s) > 0:
        away = s - s.mean()
        if away.abs().max() > 1e-12:
            rewards[correct] += delta * away / away.abs().max()
    return rewards


def run(config, step_name, step):
    lam, p_0 = config.get("lambda", 1.0), config.get("p_0", 0.5)
    threshold, delta = config.get("correct", 1.0), config.get("long2short", 0.0)
    epsilon, beta = config.get("epsilon", 0.2), config.get("beta", 0.0)
    s = {k: pad(v) for k, v in step.items()}
    s["logp"].requires_grad_(True)

    advantages, p_cs, ws = [], [], []
    lengths = torch.tensor(LENGTHS, dtype=torch.float64).split(GROUPS)
    for r, length in zip(torch.tensor(REWARDS).split(GROUPS), lengths):
        correct = r >= threshold
        p_c = correct.double().mean()
        p = p_c.clamp(1e-6, 1 - 1e-6)
        d_me = p * torch.log(p / p_0) + (1 - p) * torch.log((1 - p) / (1 - p_0))
        w = torch.exp(-lam * d_me)
        r = long2short(r, length, correct, delta)
        std = r.std() if len(r) > 1 else torch.tensor(0.0)
        advantages.append(w * (r - r.mean()) / (std + 1e-6))
        p_cs.append(p_c)
        ws.append(w)
    a = torch.cat(advantages)  # (B,)

    ratio = torch.exp(s["logp"] - s["old_logp"])
    clipped = torch.clamp(ratio, 1 - epsilon, 1 + epsilon)
    per_token = -torch.min(ratio * a[:, None], clipped * a[:, None])

    def seq_mean_token_mean(x):
        return ((x * MASK).sum(-1) / MASK.sum(-1)).mean()

    loss = seq_mean_token_mean(per_token)
    if beta:
        d = s["ref_logp"] - s["logp"]
        loss = loss + beta * seq_mean_token_mean(d.exp() - d - 1)
    loss.backward()
    return {
        "config": config,
        "step": step_name,
        "loss": loss.item(),
        "advantages": a.tolist(),
        "dlogp": s["logp"].grad[MASK.bool()].tolist(),
        "p_c_mean": torch.stack(p_cs).mean().item(),
        "w_mean": torch.stack(ws).mean().item(),
    }


CONFIGS = [
    {},
    {"lambda": 0.0},
    {"lambda": 4.0, "epsilon": 0.05},
    {"p_0": 0.25},
    {"correct": 0.5},
    {"long2short": 0.2},
    {"lambda": 2.0, "p_0": 0.7, "correct": 0.25, "long2short": 0.5, "beta": 0.04},
]


def significant(value, digits=9):
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else value
    if isinstance(value, dict):
        return {k: significant(v) for k, v in value.items()}
    if isinstance(value, list):
        return [significant(v) for v in value]
    return value


def main():
    # Far: after several updates, much is clipped. Near: after one, little is.
    steps = {"far": make_step(7, 0.4), "near": make_step(2, 0.02)}
    cases = [run(c, name, step) for c in CONFIGS for name, step in steps.items()]
    shared = {
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
        "groups": GROUPS,
        "lengths": LENGTHS,
        "rewards": REWARDS,
    }
    # One line a case: small enough to read a diff.
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in shared.items()]
    rows = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in steps.items())
    lines.append(f'  "steps": {{\n{rows}\n  }}')
    rows = ",\n".join(f"    {json.dumps(case)}" for case in significant(cases))
    lines.append(f'  "cases": [\n{rows}\n  ]')
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
