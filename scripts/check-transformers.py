#!/usr/bin/env python3
"""Checks folders of `crosshead export --transformers` with Hugging Face Transformers.

    python3 check-transformers.py DIR... [--write] [--device cuda] [--compile]

For each folder: logits in float32 with "sdpa" and with "eager" attention; greedy texts with a cache that grows, with
one of fixed length, and without; prompts in chunks; beams; a padded batch; numbers that the cache keeps; saving and
loading again; bfloat16 with a device map; gradients. `expected.safetensors` in the folder, if there is one, is compared
with; `--write` writes it, so that `crosshead verify DIR` compares its own logits and greedy text with those of
Transformers. `--again OTHER` keeps the folders that were saved again. LongRoPE is compared within its original context:
a text that grows past it has other angles than one that is longer from the start.

The last line of a folder is "ok" or "FAILED" with the number of checks; the exit code is 1 if one failed.
"""

import argparse
import os
import sys
import tempfile
import traceback

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, DynamicCache, StaticCache

TOLERANCE = 2e-4  # of the largest logit
NEW = 24  # tokens of a greedy text


def load(folder, device, attention="sdpa", **options):
    options.setdefault("dtype", torch.float32)
    model = AutoModelForCausalLM.from_pretrained(
        folder, trust_remote_code=True, attn_implementation=attention, **options
    )
    model.generation_config.eos_token_id = None  # texts of equal length
    return (model if "device_map" in options else model.to(device)).eval()


def inputs_of(folder, vocabulary, device):
    path = os.path.join(folder, "expected.safetensors")
    known = load_file(path) if os.path.exists(path) else {}
    draw = torch.Generator().manual_seed(7)
    ids = known.get("input_ids", torch.randint(0, vocabulary, (2, 40), generator=draw))
    prompt = known.get("prompt", torch.randint(0, vocabulary, (1, 12), generator=draw))
    return known, ids.long().to(device), prompt.long().reshape(1, -1).to(device)


def uncached(model, ids, count):
    """The greedy text, the whole of it computed again for each token."""
    for _ in range(count):
        ids = torch.cat((ids, model(ids, use_cache=False).logits[:, -1:].argmax(-1)), 1)
    return ids


def greedy(model, ids, count=NEW, mask=None, **options):
    mask = torch.ones_like(ids) if mask is None else mask
    return model.generate(
        ids, attention_mask=mask, max_new_tokens=count, do_sample=False, pad_token_id=0, **options
    )


def distance(one, other):
    return ((one.double() - other.double()).abs().max() / other.double().abs().max()).item()


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, check):
        try:
            good, told = check()
        except Exception:
            good, told = False, "\n" + traceback.format_exc()
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        print(f"  {'ok  ' if good else 'FAIL'} {name}: {told}", flush=True)
        return good


def check_folder(folder, device, write, compiled, again):
    print(folder, flush=True)
    check, state = Checks(), {}

    def close(logits, other):
        apart = distance(logits, other)
        return apart <= TOLERANCE, f"{apart:.1e} of the largest logit"

    def same(text, other):
        equal = torch.equal(text, other)
        return equal, f"{text.shape[1]} tokens" if equal else f"\n    {text.tolist()}\n    {other.tolist()}"

    @torch.no_grad()
    def first():
        model = state["model"] = load(folder, device)
        known, ids, prompt = inputs_of(folder, model.config.vocab_size, device)
        state.update(known=known, ids=ids, prompt=prompt, logits=model(ids).logits)
        return True, f"{type(model).__name__}, {sum(p.numel() for p in model.parameters())} parameters"

    if not check("load", first):
        print(f"FAILED {folder}: it does not load")
        return False
    model, known, ids, prompt, logits = (state[name] for name in ("model", "known", "ids", "prompt", "logits"))
    if "logits" in known and not write:
        check("logits", lambda: close(logits.cpu(), known["logits"]))

    @torch.no_grad()
    def eager():
        return close(load(folder, device, "eager")(ids).logits, logits)

    check("eager attention", eager)
    contexts = [r["short_context"] for r in (getattr(model.config, "rotary", None) or {}).values()
                if "short_context" in r]
    most = min(contexts + [10**9])
    new = min(NEW, most + 1 - prompt.shape[1])
    state["text"] = None

    @torch.no_grad()
    def no_cache():
        state["text"] = uncached(model, prompt, new)
        if "greedy" in known and not write:
            return same(state["text"].cpu(), known["greedy"].long().reshape(1, -1)[:, : prompt.shape[1] + new])
        return True, f"{state['text'].shape[1]} tokens"

    check("greedy text without a cache", no_cache)
    text = state["text"]
    fixed = {"cache_implementation": "static", "disable_compile": True}
    check("generate, cache that grows", lambda: same(greedy(model, prompt, new), text))
    check("generate, cache of fixed length", lambda: same(greedy(model, prompt, new, **fixed), text))
    check("generate, prompt in chunks", lambda: same(greedy(model, prompt, new, prefill_chunk_size=5), text))
    if compiled:
        check("generate, cache of fixed length, compiled",
              lambda: same(greedy(model, prompt, new, cache_implementation="static"), text))
        check("generate, prompt in chunks, compiled", lambda: same(
            greedy(model, prompt, new, cache_implementation="static", prefill_chunk_size=5), text))
    check("beams", lambda: same(greedy(model, prompt, new, num_beams=3), greedy(
        model, prompt, new, num_beams=3, **fixed)))

    @torch.no_grad()
    def by_hand(make):
        def run():
            cache, parts, some = make(), [], ids[:, :most]
            for part in (some[:, :9], some[:, 9:10], some[:, 10:25], *some[:, 25:].split(1, 1)):
                parts.append(model(part, past_key_values=cache, use_cache=True).logits)
            return close(torch.cat(parts, 1), model(some).logits)
        return run

    check("logits in pieces, cache that grows", by_hand(lambda: DynamicCache(config=model.config)))
    check("logits in pieces, cache of fixed length",
          by_hand(lambda: StaticCache(config=model.config, max_cache_len=ids.shape[1] + 3)))

    def padded():
        short = ids[:1, :5]
        pad = torch.zeros(1, prompt.shape[1] - 5, dtype=torch.long, device=device)
        both = torch.cat((torch.cat((pad, short), 1), prompt))
        mask = torch.cat((torch.cat((torch.zeros_like(pad), torch.ones_like(short)), 1), torch.ones_like(prompt)))
        alone = uncached(model, short, new)
        for options in ({}, fixed):
            together = greedy(model, both, new, mask, **options)
            good, told = same(together[0, pad.shape[1]:][None], alone)
            if good:
                good, told = same(together[1:], text)
            if not good:
                return good, f"{options} {told}"
        return True, "each as alone"

    with torch.no_grad():
        check("batch with padding on the left", padded)

    @torch.no_grad()
    def kept():
        cache = model(ids, use_cache=True).past_key_values
        numbers = [layer.keys[0, :, -1].numel() + layer.values[0, :, -1].numel() for layer in cache.layers]
        whole = 2 * model.config.num_key_value_heads * model.config.head_dim
        return True, f"{sum(numbers)} numbers a token ({whole * len(numbers)} of whole heads), by layer {numbers}"

    check("cache", kept)

    @torch.no_grad()
    def saved():
        with tempfile.TemporaryDirectory() as place:
            other = os.path.join(again or place, os.path.basename(os.path.normpath(folder)))
            model.save_pretrained(other)
            files = " ".join(sorted(os.listdir(other)))
            good, told = close(load(other, device)(ids).logits, logits)
            return good, f"{told}; {files}"

    check("save_pretrained and load", saved)

    @torch.no_grad()
    def short():
        quick = load(folder, device, dtype=torch.bfloat16, device_map="auto")
        apart = distance(quick(ids.to(quick.device)).logits.float().to(device), logits)
        made = greedy(quick, prompt.to(quick.device), 4).shape[1]
        return quick.dtype == torch.bfloat16, f"{apart:.1e} from float32, {made} tokens on {quick.device}"

    check("bfloat16 with a device map", short)

    def gradients():
        trained = load(folder, device).train()
        loss = trained(ids, labels=ids).loss
        loss.backward()
        unused = ("experts", "correction")  # an expert that no token chose; what only chooses experts
        missing = [n for n, p in trained.named_parameters() if p.grad is None and not any(u in n for u in unused)]
        return torch.isfinite(loss).item() and not missing, f"loss {loss.item():.4f}; without gradient: {missing}"

    check("gradients", gradients)

    if write and text is not None:
        places = [folder] + ([os.path.join(again, os.path.basename(os.path.normpath(folder)))] if again else [])
        for place in places:
            save_file({"input_ids": ids.cpu(), "logits": logits.cpu().contiguous(), "prompt": prompt.cpu(),
                       "greedy": text.cpu()}, os.path.join(place, "expected.safetensors"))
    good = check.failed == 0
    print(f"{'ok' if good else 'FAILED'} {folder}: {check.passed} of {check.passed + check.failed} checks", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--write", action="store_true", help="write expected.safetensors")
    parser.add_argument("--again", metavar="OTHER", help="keep the folders that were saved again under this one")
    parser.add_argument("--compile", action="store_true", help="also generate with the compiled model")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    results = [check_folder(f, arguments.device, arguments.write, arguments.compile, arguments.again)
               for f in arguments.folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
