"""Writes reference.json: what PyTorch says of each objective, on two small steps.

Advantages and losses are written from the papers' formulas in the padded (B, T) form that
TRL and verl use, and autograd makes the derivatives; nothing here is shared with the Rust
code. All in f64. Made with Python 3.11.7 and PyTorch 2.15.0; any later version will do:

    python3 plugins/grpo/tests/reference.py > plugins/grpo/tests/reference.json
"""

import json
import math
import sys

import torch

torch.set_default_dtype(torch.float64)

EPS = 1e-6
# One group lost attempts, one has a single attempt left, one earned the same reward always:
# a half, whose mean is exact (that of 0.7 is not, and would give advantages of 1e-10).
GROUPS = [4, 3, 1, 3]
LENGTHS = [5, 2, 7, 1, 3, 6, 4, 2, 5, 1, 8]
REWARDS = [1.0, 0.0, 0.25, 1.0, 0.0, 1.0, 0.0, 1.0, 0.5, 0.5, 0.5]
MAX_NEW_TOKENS = 9.0


def make_step(seed, spread, ref_spread):
    """Flat arrays, rounded to four digits for the reader."""
    g = torch.Generator().manual_seed(seed)
    tokens = sum(LENGTHS)
    old = -4 * torch.rand(tokens, generator=g) - 0.05

    def near(x, by):
        return (x + by * torch.randn(tokens, generator=g)).clamp(max=-0.01)

    flat = {
        "old_logp": old,
        "logp": near(old, spread),
        "ref_logp": near(old, ref_spread),
        "entropy": 2 * torch.rand(tokens, generator=g),
    }
    return {k: [round(x, 4) for x in v.tolist()] for k, v in flat.items()}


def pad(flat):
    """(T,) -> (B, T_max), zeros on the right; the host's arrays are f32."""
    rows = torch.tensor(flat, dtype=torch.float32).double().split(LENGTHS)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


MASK = pad([1.0] * sum(LENGTHS))  # (B, T)
GROUP_OF = torch.repeat_interleave(torch.arange(len(GROUPS)), torch.tensor(GROUPS))  # (B,)


def group_mean(r):
    sums = torch.zeros(len(GROUPS)).index_add(0, GROUP_OF, r)
    return (sums / torch.tensor(GROUPS))[GROUP_OF]


def group_std(r):
    parts = [x.std() if len(x) > 1 else torch.tensor(0.0) for x in r.split(GROUPS)]
    return torch.stack(parts)[GROUP_OF]


def masked_mean(x, mask=MASK):
    return (x * mask).sum() / mask.sum()


def masked_whiten(x, mask=MASK):
    values = x[mask.bool()]
    return (x - values.mean()) / (values.std() + EPS) * mask


def group_relative(r, scale="group"):
    centred = r - group_mean(r)
    if scale == "group":
        return centred / (group_std(r) + EPS)
    if scale == "batch":
        return centred / (r.std() + EPS)
    return centred


def k_estimator(name, logp, ref_logp):
    d = ref_logp - logp
    return {"k1": -d, "k2": d.square() / 2, "k3": d.exp() - d - 1}[name]


def ppo(ratio, a, low, high, delta=None):
    clipped = torch.clamp(ratio, 1 - low, 1 + high)
    if delta is not None:
        ratio = torch.clamp(ratio, max=delta)
    return -torch.min(ratio * a, clipped * a)


def clip_shares(ratio, a, low, high, mask):
    is_low = ((ratio < 1 - low) & (a < 0)).double() * mask
    is_high = ((ratio > 1 + high) & (a > 0)).double() * mask
    per_row = mask.sum(-1)
    return {
        "clip_ratio/low_mean": masked_mean(is_low, mask),
        "clip_ratio/high_mean": masked_mean(is_high, mask),
        "clip_ratio/region_mean": masked_mean(is_low + is_high, mask),
        "clip_ratio/low_min": (is_low.sum(-1) / per_row).min(),
        "clip_ratio/high_max": (is_high.sum(-1) / per_row).max(),
    }


def seq_mean_token_mean(x):
    return ((x * MASK).sum(-1) / MASK.sum(-1)).mean()


def seq_mean_token_sum_norm(x):
    return (x * MASK).sum() / (x.shape[0] * MAX_NEW_TOKENS)


def seq_mean_token_sum(x):
    return (x * MASK).sum(-1).mean()


def objective(name, c, s):
    """Advantages (B,) or (B, T), policy loss per token (B, T), its normaliser, metrics."""
    r = torch.tensor(REWARDS)
    logp, old, ref = s["logp"], s["old_logp"], s["ref_logp"]
    ratio = torch.exp(logp - old)
    eps = c.get("epsilon", 0.2)

    if name == "grpo":
        a = group_relative(r, c.get("scale", "group"))
        high = c.get("epsilon_high", eps)
        loss = ppo(ratio, a[:, None], eps, high, c.get("delta"))
        return a, loss, seq_mean_token_mean, clip_shares(ratio, a[:, None], eps, high, MASK)

    if name == "dr-grpo":
        a = group_relative(r, "none")
        loss = ppo(ratio, a[:, None], eps, eps)
        return a, loss, seq_mean_token_sum_norm, clip_shares(ratio, a[:, None], eps, eps, MASK)

    if name == "dapo":
        a = group_relative(r, c.get("scale", "group"))
        low, high = c.get("epsilon_low", 0.2), c.get("epsilon_high", 0.28)
        loss = ppo(ratio, a[:, None], low, high)
        return a, loss, masked_mean, clip_shares(ratio, a[:, None], low, high, MASK)

    if name == "gspo":
        a = group_relative(r, c.get("scale", "group"))
        low, high = c.get("epsilon_low", 3e-4), c.get("epsilon_high", 4e-4)
        s_i = torch.exp(((logp - old) * MASK).sum(-1) / MASK.sum(-1))[:, None]  # (B, 1)
        loss = ppo(s_i, a[:, None], low, high).expand_as(logp)
        shares = clip_shares(s_i, a[:, None], low, high, torch.ones_like(s_i))
        return a, loss, seq_mean_token_mean, shares

    if name == "cispo":
        a = group_relative(r, c.get("scale", "group"))
        bound = 1 + c.get("epsilon_high", 4.0)
        least = 1 - c["epsilon_low"] if "epsilon_low" in c else None
        weight = torch.clamp(ratio, min=least, max=bound).detach()
        loss = -weight * a[:, None] * logp
        clipped = ((ratio > bound) & (a[:, None] > 0)).double()
        return a, loss, masked_mean, {"cispo_clip_ratio": masked_mean(clipped)}

    if name == "rloo":
        metrics = {}
        beta = c.get("beta", 0.0)
        if beta:
            kl = (old - ref) * MASK
            r = r - beta * kl.sum(-1)
            metrics["kl"] = masked_mean(kl)
        rows = []
        for group in r.split(GROUPS):
            k = len(group)
            others = (group.sum() - group) / (k - 1) if k > 1 else group
            rows.append(group - others)
        a = torch.cat(rows)
        return a, -a[:, None] * logp, seq_mean_token_sum, metrics

    if name == "reinforce-pp":
        metrics = {}
        if c.get("baseline"):
            r = r - group_mean(r)
        beta = c.get("beta", 0.0)
        token_rewards = torch.zeros_like(MASK)
        if beta:
            kl = (old - ref) * MASK
            token_rewards = -beta * kl
            metrics["kl"] = masked_mean(kl)
        last = MASK.sum(-1).long() - 1
        token_rewards[torch.arange(len(r)), last] += r
        returns = token_rewards.flip(-1).cumsum(-1).flip(-1)
        a = masked_whiten(returns)
        loss = ppo(ratio, a, eps, eps)
        return a, loss, masked_mean, metrics | clip_shares(ratio, a, eps, eps, MASK)

    raise ValueError(name)


def run(name, config, step_name, step):
    s = {k: pad(v) for k, v in step.items()}
    s["logp"].requires_grad_(True)
    s["entropy"].requires_grad_(True)
    a, per_token, aggregate, metrics = objective(name, config, s)
    policy_loss = aggregate(per_token)
    loss = policy_loss
    metrics["policy_loss"] = policy_loss
    # In these two the distance to the reference is in the reward.
    if config.get("beta") and name not in ("rloo", "reinforce-pp"):
        kl = k_estimator(config.get("kl_estimator", "k3"), s["logp"], s["ref_logp"])
        loss = loss + config["beta"] * aggregate(kl)
        metrics["kl"] = masked_mean(kl)
    if config.get("entropy_coef"):
        metrics["entropy"] = masked_mean(s["entropy"])
        loss = loss - config["entropy_coef"] * metrics["entropy"]
    loss.backward()

    def flat(x):
        return x[MASK.bool()].tolist()

    case = {"component": name, "config": config, "step": step_name, "loss": loss.item()}
    if a.dim() == 1:
        case["advantages"] = a.tolist()
    elif config.get("beta"):
        case["token_advantages"] = flat(a)
        case["advantages"] = ((a * MASK).sum(-1) / MASK.sum(-1)).tolist()
    else:
        case["advantages"] = a[:, 0].tolist()
    case["dlogp"] = flat(s["logp"].grad)
    if config.get("entropy_coef"):
        case["dentropy"] = flat(s["entropy"].grad)
    case["metrics"] = {k: v.item() for k, v in metrics.items()}
    return case


CONFIGS = {
    "grpo": [
        {},
        {"epsilon": 0.01, "scale": "batch"},
        {"scale": "none", "epsilon_high": 0.4},
        {"delta": 1.5},
        {"beta": 0.04},
        {"beta": 0.1, "kl_estimator": "k1"},
        {"beta": 0.1, "kl_estimator": "k2"},
        {"entropy_coef": 0.01},
        {"beta": 0.04, "entropy_coef": 0.01, "delta": 1.3},
    ],
    "dr-grpo": [{}, {"epsilon": 0.05}, {"beta": 0.04}, {"entropy_coef": 0.01}],
    "dapo": [
        {},
        {"epsilon_low": 0.1, "epsilon_high": 0.1},
        {"scale": "none"},
        {"beta": 0.04, "kl_estimator": "k2", "entropy_coef": 0.01},
    ],
    "gspo": [
        {},
        {"epsilon_low": 0.1, "epsilon_high": 0.2},
        {"epsilon_low": 0.1, "epsilon_high": 0.2, "scale": "none", "beta": 0.04},
        {"entropy_coef": 0.01},
    ],
    "cispo": [
        {},
        {"epsilon_high": 0.28},
        {"epsilon_low": 0.2, "epsilon_high": 0.28, "scale": "batch"},
        {"epsilon_high": 0.28, "beta": 0.04, "entropy_coef": 0.01},
    ],
    "rloo": [{}, {"beta": 0.05}, {"entropy_coef": 0.01}],
    "reinforce-pp": [
        {},
        {"baseline": True},
        {"beta": 0.05},
        {"beta": 0.05, "baseline": True, "epsilon": 0.1, "entropy_coef": 0.01},
    ],
}


def write(value, out):
    """One line a case: small enough to read a diff."""
    steps = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value["steps"].items())
    cases = ",\n".join(f"    {json.dumps(case)}" for case in value["cases"])
    shared = ",\n".join(
        f"  {json.dumps(k)}: {json.dumps(value[k])}"
        for k in ("versions", "groups", "lengths", "rewards", "max_new_tokens")
    )
    out.write(f'{{\n{shared},\n  "steps": {{\n{steps}\n  }},\n  "cases": [\n{cases}\n  ]\n}}\n')


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
    steps = {"far": make_step(7, 0.4, 0.3), "near": make_step(2, 0.02, 0.05)}
    cases = [
        run(name, config, step_name, step)
        for name, configs in CONFIGS.items()
        for config in configs
        for step_name, step in steps.items()
    ]
    reference = {
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
        "groups": GROUPS,
        "lengths": LENGTHS,
        "rewards": REWARDS,
        "max_new_tokens": MAX_NEW_TOKENS,
        "steps": steps,
        "cases": significant(cases),
    }
    write(reference, sys.stdout)


if __name__ == "__main__":
    main()
