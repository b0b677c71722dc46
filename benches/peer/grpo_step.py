"""GRPO steps with TRL, on the checkpoint and the prompts of a run of ours.

The prompts are read from that run's completions, in their order. The settings are those of our manifest: full
fine-tuning in f32, beta 0, one iteration, temperature 1, loss type `grpo`, AdamW, clipping at 1, no checkpointing.
An end of sequence is forbidden before the full length (`min_new_tokens`), and the recorded lengths go into the report.

A step is the time from the trainer's `on_step_begin` to `on_step_end`: drawing, scoring, forward and backward, clipping,
the update. Loading data and logging are left out, in TRL's favour.
"""

import argparse
import re
import time
from pathlib import Path

from measuring import memory, report

import pyarrow.dataset
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

AFTER_IMPORTS = memory()

ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--completions", type=Path, required=True, help="completions.parquet of our run")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--attempts", type=int, required=True)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, required=True)
    parser.add_argument("--micro-batch", type=int, help="attempts at once in the update; all by default")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--pattern", required=True, help="the second reward's regular expression")
    parser.add_argument("--eos", required=True, help="the token that TRL takes for the end of a sequence")
    parser.add_argument("--pad", required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    # Not AutoTokenizer: for a Qwen2 model it puts Qwen2's own splitting in place of that in tokenizer.json.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(options.model)
    tokenizer.eos_token, tokenizer.pad_token = options.eos, options.pad
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    prompts = prompts_of(options.completions)
    wanted = options.steps * options.attempts // options.group
    if len(prompts) != wanted:
        raise SystemExit(f"{options.completions} has {len(prompts)} problems, expected {wanted}")

    micro_batch = options.micro_batch or options.attempts
    config = GRPOConfig(
        output_dir=str(options.out),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=options.attempts // micro_batch,
        num_generations=options.group,
        num_iterations=1,
        max_completion_length=options.new_tokens,
        generation_kwargs={"min_new_tokens": options.new_tokens},
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        beta=0.0,
        loss_type="grpo",
        scale_rewards="group",
        learning_rate=options.learning_rate,
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        weight_decay=0.0,
        shuffle_dataset=False,
        reward_weights=[1.0, 0.1],
        max_steps=options.steps,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=1,
    )
    pattern = re.compile(options.pattern)

    def matches(completions, **_):
        return [float(bool(pattern.search(completion))) for completion in completions]

    stopwatch = Stopwatch()
    trainer = TimedTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=[exact, matches],
        args=config,
        train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
        callbacks=[stopwatch],
    )
    trainer.train()

    logged = [row for row in trainer.state.log_history if "completions/min_length" in row]
    column = lambda name: [row.get(name) for row in logged]
    report(
        step=stopwatch.seconds,
        generate=trainer.seconds["generate"],
        reward=trainer.seconds["reward"],
        min_length=column("completions/min_length"),
        num_tokens=column("num_tokens"),
        trl_step_time=column("step_time"),
        reward_mean=column("reward"),
        frac_reward_zero_std=column("frac_reward_zero_std"),
        grad_norm=column("grad_norm"),
        after_imports=AFTER_IMPORTS["now"],
        peak=memory()["peak"],
    )


def prompts_of(completions: Path) -> list[str]:
    table = pyarrow.dataset.dataset(completions, format="parquet").to_table(columns=["step", "attempt", "prompt"])
    rows = [row for row in table.to_pylist() if row["attempt"] == 0]
    # Sorting is stable: within a step the order is that of the run.
    return [row["prompt"] for row in sorted(rows, key=lambda row: row["step"])]


def exact(prompts, completions, **_):
    """Countdown's reward as TinyZero writes it: the last answer uses each number once and equals the target."""
    return [solves(prompt, completion) for prompt, completion in zip(prompts, completions)]


def solves(prompt: str, completion: str) -> float:
    problem = re.search(r"\[([\d, ]+)\]", prompt)
    numbers = sorted(map(int, problem.group(1).split(",")))
    target = int(next(number for number in re.findall(r"\d+", prompt[: problem.start()] + prompt[problem.end() :])))
    answers = ANSWER.findall(completion)
    if not answers or not re.fullmatch(r"[\d+\-*/() ]+", answers[-1]):
        return 0.0
    if sorted(map(int, re.findall(r"\d+", answers[-1]))) != numbers:
        return 0.0
    try:
        return float(abs(eval(answers[-1], {"__builtins__": None}) - target) < 1e-5)
    except Exception:
        return 0.0


class Stopwatch(TrainerCallback):
    def __init__(self):
        self.seconds = []

    def on_step_begin(self, args, state, control, **kwargs):
        self.started = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        self.seconds.append(time.perf_counter() - self.started)


class TimedTrainer(GRPOTrainer):
    """The trainer with two of its phases timed; what it does is unchanged."""

    def __init__(self, *args, **kwargs):
        self.seconds = {"generate": [], "reward": []}
        super().__init__(*args, **kwargs)

    def _generate(self, *args, **kwargs):
        return self._phase("generate", super()._generate, args, kwargs)

    def _calculate_rewards(self, *args, **kwargs):
        return self._phase("reward", super()._calculate_rewards, args, kwargs)

    def _phase(self, name, work, args, kwargs):
        started = time.perf_counter()
        result = work(*args, **kwargs)
        self.seconds[name].append(time.perf_counter() - started)
        return result


if __name__ == "__main__":
    main()
