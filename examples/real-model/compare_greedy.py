"""Compares a greedy answer of `farthing sample` with transformers' own, token for token.

    python compare_greedy.py target/debug/farthing models/SmolLM2-135M-Instruct "Tell me how bread is made."

Needs torch (made with 2.15.0) and transformers (5.23.0).
"""

import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 32


def main() -> None:
    farthing, directory, question = sys.argv[1:4]
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    chat = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        out = model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False)
    theirs = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)

    command = [farthing, "sample", directory, "--chat", "--prompt", question, "--temperature", "0"]
    command += ["--max-new-tokens", str(NEW_TOKENS), "--device", "cpu"]
    ours = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ours = ours.removesuffix("\n")

    count = out.shape[1] - ids.shape[1]
    if count < NEW_TOKENS:
        sys.exit(f"the answer ended after {count} tokens; ask something that takes {NEW_TOKENS} to answer")
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]
    print(f"transformers: {theirs!r}\nfarthing:     {ours!r}")
    if encode(ours) != encode(theirs):
        sys.exit("the answers differ")
    print(f"equal over {count} tokens")


if __name__ == "__main__":
    main()
