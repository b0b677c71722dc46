"""The rate of a large matrix product by PyTorch: one of the two candidates for this machine's limit of arithmetic."""

import argparse

from measuring import report, timed

import torch

SIDE = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    left, right = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    best = min(timed(lambda: torch.mm(left, right)) for _ in range(options.repeats))
    report(gemm_flops=2 * SIDE**3 / best)


if __name__ == "__main__":
    main()
