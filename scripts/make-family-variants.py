#!/usr/bin/env python3
"""Writes tiny random models of each family with Hugging Face Transformers, with other options and older spellings.

    python3 make-family-variants.py OUT [PART PARTS]
    for model in OUT/*; do crosshead verify "$model"; done

Each folder has `expected.safetensors` with the logits and a greedy text of Transformers for `crosshead verify`. The
options are in `family-variants.json` beside this file. Several processes share the work as PART 0, 1, … of PARTS.
"""

import copy
import json
import os
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

SPELT = ("plain", "g3yarn", "yarnmscale", "partial", "o3yarn", "linear", "yarn", "llama3")
VISION = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
)


def expect(folder, cls=transformers.AutoModelForCausalLM):
    model = cls.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(3, 160, (2, 40), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        logits = model(ids).logits
        greedy = model.generate(ids[:1, :12], max_new_tokens=16, do_sample=False, eos_token_id=None, pad_token_id=0)
    stored = {"input_ids": ids, "logits": logits.float().contiguous(), "prompt": ids[:1, :12].clone(), "greedy": greedy}
    save_file(stored, folder + "/expected.safetensors")


def save(folder, cls, config, seed):
    torch.manual_seed(seed)
    model = cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
        for name, buffer in model.named_buffers():
            if "correction_bias" in name:
                buffer.add_(torch.randn_like(buffer) * 0.2)
    model.save_pretrained(folder)


def old(name, config):
    """The config.json that Transformers 4 would have written."""
    config = copy.deepcopy(config)
    rope = config.pop("rope_parameters", None)
    config["torch_dtype"] = config.pop("dtype", "float32")
    full = rope["full_attention"] if rope and "full_attention" in rope else rope
    if full:
        config["rope_theta"] = full["rope_theta"]
        if name == "gemma3":
            config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        if "partial_rotary_factor" in full and name != "phi3-longrope":
            config["partial_rotary_factor"] = full["partial_rotary_factor"]
        scaling = {k: v for k, v in full.items() if k not in ("rope_theta", "partial_rotary_factor")}
        plain = scaling["rope_type"] == "default"
        config["rope_scaling"] = None if plain else {**scaling, "type": scaling["rope_type"]}
    if name in ("gemma2", "gemma3", "cohere2"):
        config.pop("layer_types", None)
        config.pop("_sliding_window_pattern", None)
        config["sliding_window_pattern"] = {"gemma2": 2, "gemma3": 3, "cohere2": 4}[name]
    if name == "gpt-oss":
        config.update(initial_context_length=32, experts_per_token=config["num_experts_per_tok"])
    if name == "deepseek-v3":
        config.update(scoring_func="sigmoid", topk_method="noaux_tc", moe_layer_freq=1, num_nextn_predict_layers=0)
    return config


def old_type(name, config, word=None):
    config = old(name, config)
    if config.get("rope_scaling"):
        config["rope_scaling"].pop("rope_type", None)
        config["rope_scaling"]["type"] = word or config["rope_scaling"]["type"]
    return config


def attempt(name, work):
    try:
        work()
        print("made", name, flush=True)
    except Exception as e:
        print("refused by Transformers:", name, type(e).__name__, str(e).replace("\n", " ")[:200], flush=True)


def spelt(folder, label, change):
    other = f"{folder}-{label}"
    os.makedirs(other, exist_ok=True)
    save_file(load_file(folder + "/model.safetensors"), other + "/model.safetensors", metadata={"format": "pt"})
    with open(folder + "/config.json") as source, open(other + "/config.json", "w") as target:
        json.dump(change(json.load(source)), target, indent=1)
    expect(other)


def with_images(folder, cls, config, text, seed=11, **options):
    cls, config = getattr(transformers, cls), getattr(transformers, config)
    save(folder, cls, config(text_config=text, **options), seed)
    expect(folder, cls)


def main():
    out, part, parts = sys.argv[1], *([int(x) for x in sys.argv[2:4]] or [0, 1])
    torch.set_num_threads(1)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "family-variants.json")) as f:
        data = json.load(f)
    made = 0
    for number, (name, (cls, config, own)) in enumerate(data["families"].items()):
        for change, entry in data["changes"].items():
            if name not in entry.get("families", data["families"]) or (name, change) == ("deepseek-v3", "mha"):
                continue
            made += 1
            if made % parts != part:
                continue
            folder = f"{out}/{name}--{change}"
            keys = {**data["shared"], **own, **entry["keys"]}
            keys = {k: v for k, v in copy.deepcopy(keys).items() if k not in entry.get("without", [])}

            def work():
                options = getattr(transformers, config)(**keys)
                save(folder, getattr(transformers, cls), options, 100 * number + len(change))
                expect(folder)

            attempt(folder, work)
            if change not in SPELT or not os.path.exists(folder + "/expected.safetensors"):
                continue
            attempt(folder + "-old", lambda: spelt(folder, "old", lambda c: old(name, c)))
            if name in ("phi3-longrope", "gpt-oss", "deepseek-v3", "ministral3"):
                attempt(folder + "-oldtype", lambda: spelt(folder, "oldtype", lambda c: old_type(name, c)))
            if name == "phi3-longrope":
                attempt(folder + "-su", lambda: spelt(folder, "su", lambda c: old_type(name, c, "su")))
    if part != 0:
        return
    text = {n: {**data["shared"], **data["families"][n][2], "model_type": t}
            for n, t in (("gemma3", "gemma3_text"), ("ministral3", "ministral3"), ("mistral", "mistral"))}
    siglip, pixtral = dict(VISION, model_type="siglip_vision_model"), dict(VISION, model_type="pixtral")
    gemma = ("Gemma3ForConditionalGeneration", "Gemma3Config")
    mistral = ("Mistral3ForConditionalGeneration", "Mistral3Config")
    attempt("images-gemma3", lambda: with_images(f"{out}/images-gemma3", *gemma, text["gemma3"], vision_config=siglip,
        mm_tokens_per_image=4))
    for name in ("ministral3", "mistral"):
        attempt(f"images-{name}", lambda: with_images(f"{out}/images-{name}", *mistral, text[name],
            vision_config=pixtral, tie_word_embeddings=False))


main()
