"""Makes the tokenizer fixtures with Hugging Face's own implementations, and SentencePiece's.

    python make_tokenizer_fixtures.py SHARED OUT [STEP ...]

SHARED holds data/tokenizers and data/text; OUT receives the fixtures of this folder:
  tokenizer-real.json       ids and texts of published tokenizers
  tokenizer-pipelines.json  small made-up files, one feature each, with what they give
  normalization.json        the four Unicode normal forms
  character-classes.json    what \\p{L}, \\p{N} and \\s mean
  *.model, sentencepiece.json  small SentencePiece models with what they give
"""
import copy, hashlib, json, os, struct, sys
import tokenizers
from tokenizers import Tokenizer, normalizers, pre_tokenizers

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED, OUT = sys.argv[1], sys.argv[2]
TEXTS = json.load(open(os.path.join(HERE, "tokenizer-texts.json")))
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
MADE = {"tokenizers": tokenizers.__version__}


def digest(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()


def write(name, value):
    json.dump({"made_with": MADE, **value}, open(os.path.join(OUT, name), "w"), separators=(",", ":"))


def wikitext(name):
    return open(os.path.join(SHARED, "data", "text", f"wikitext2-{name}.txt"), encoding="utf-8", newline="").read()


# What `encode` (text to ids) and `decode` (ids, skip to text) give for the odd texts and for WikiText-2.
def real(encode, encode_plain, decode):
    result = {"texts": [], "blocks": [], "files": {}}
    for text in TEXTS:
        ids = encode(text)
        entry = {"ids": ids}
        for key, skip in (("decoded", False), ("skipped", True)):
            out = decode(ids, skip)
            if out != text:
                entry[key] = out
        if (plain := encode_plain(text)) is not None and plain != ids:
            entry["plain"] = plain
        result["texts"].append(entry)
    lines = wikitext("test").split("\n")
    for start in range(0, len(lines), 100):
        ids = [i for line in lines[start:start + 100] for i in encode(line)]
        result["blocks"].append([len(ids), digest(ids)[:16]])
    for name in ("test", "valid", "train"):
        ids = encode(wikitext(name))
        result["files"][name] = [len(ids), digest(ids)]
    return result


def real_json(tokenizer):
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def plain(text):
        tokenizer.encode_special_tokens = True
        ids = tokenizer.encode(text).ids
        tokenizer.encode_special_tokens = False
        return ids
    return real(lambda t: tokenizer.encode(t).ids, plain,
        lambda ids, skip: tokenizer.decode(ids, skip_special_tokens=skip))


def byte_alphabet():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return {**{b: chr(b) for b in keep}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


SPECIAL = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def byte_level_base():
    vocab = {c: i for i, c in enumerate(sorted(byte_alphabet().values()))}
    merges = ["t h", "th e", "Ġ the", "Ġ a", "a b", "c d", "Ġ Ġ", "1 2", "12 3", "Ã ©", "e Ì", "eÌ ģ", "ab cd", "Ġ x"]
    for m in merges:
        vocab[m.replace(" ", "")] = len(vocab)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": len(vocab), "content": "<s>", **SPECIAL},
            {"id": len(vocab) + 1, "content": "</s>", **SPECIAL}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocab, "merges": merges},
    }


def character_base(byte_fallback=True):
    pieces = ["<unk>", "<s>", "</s>"]
    if byte_fallback:
        pieces += [f"<0x{b:02X}>" for b in range(256)]
    pieces += list("▁abcdehtx<>s/.\n123é日")
    merges = ["t h", "th e", "▁ the", "▁ a", "a b", "▁ ab", "▁a b", "▁ ▁", "▁▁ ▁▁", "c d", "ab cd", "e ▁", "1 2", "日 日"]
    for m in merges:
        if m.replace(" ", "") not in pieces:
            pieces.append(m.replace(" ", ""))
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": pieces[i], **SPECIAL} for i in range(3)],
        "normalizer": {"type": "Sequence",
            "normalizers": [{"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence",
            "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": byte_fallback, "ignore_merges": False,
                  "vocab": {p: i for i, p in enumerate(pieces)}, "merges": merges},
    }


def token(id, content, **flags):
    return {"id": id, "content": content, **SPECIAL, **flags}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def template(single, tokens):
    parts = [{"Sequence": {"id": "A", "type_id": 0}} if p == "$A" else {"SpecialToken": {"id": p, "type_id": 0}}
        for p in single]
    return {"type": "TemplateProcessing", "single": parts,
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {k: {"id": k, "ids": v, "tokens": [k] * len(v)} for k, v in tokens.items()}}


def replace(old, new):
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"


def pipelines():
    B = len(byte_level_base()["model"]["vocab"])
    C = len(character_base()["model"]["vocab"])
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    plain_bytes = {**byte_level, "use_regex": False}
    spaced = {**byte_level, "add_prefix_space": True}
    two = byte_level_base()["added_tokens"]
    three = character_base()["added_tokens"]
    for flags in ({}, {"lstrip": True}, {"rstrip": True}, {"lstrip": True, "rstrip": True}, {"single_word": True},
                  {"single_word": True, "lstrip": True}, {"normalized": True}, {"special": False},
                  {"special": False, "normalized": True, "rstrip": True}):
        name = "+".join(f for f in flags) or "none"
        yield f"bytes token {name}", "bytes", {"added_tokens": [*two, token(B + 2, "<x>", **flags),
            token(B + 3, "the", **flags), token(B + 4, "<x>a", **flags)]}
        yield f"bytes NFC token {name}", "bytes", {"normalizer": {"type": "NFC"},
            "added_tokens": [*two, token(B + 2, "e\u0301x", **flags), token(B + 3, "\u00e9b", **flags)]}
        yield f"characters token {name}", "characters", {"added_tokens": [*three, token(C, "<x>", **flags),
            token(C + 1, "the", **flags), token(C + 2, " ab", **flags)]}
        yield f"metaspace token {name}", "characters", {"normalizer": None, "pre_tokenizer": metaspace("first", False),
            "added_tokens": [*three, token(C, "<x>", **flags), token(C + 1, "ab", **flags)]}
    yield "overlapping tokens", "bytes", {"added_tokens": [*two, token(B + 2, "<s>a", special=False),
        token(B + 3, "a<s", special=False), token(B + 4, "s>ab", special=False)]}
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield form, "bytes", {"normalizer": {"type": form}}
    yield "NFC in a sequence", "bytes", {"normalizer": {"type": "Sequence",
        "normalizers": [{"type": "NFD"}, replace("\u0301", "x"), {"type": "NFC"}]}}
    yield "prefix space", "bytes", {"pre_tokenizer": spaced}
    yield "Split of GPT-2", "bytes", {"pre_tokenizer": {"type": "Sequence",
        "pretokenizers": [{"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "Isolated", "invert": False},
            plain_bytes]}}
    yield "digits", "bytes", {"pre_tokenizer": {"type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]}}
    yield "bytes without a regular expression", "bytes", {"pre_tokenizer": plain_bytes}
    yield "prefix space without a regular expression", "bytes", {"pre_tokenizer": {**spaced, "use_regex": False}}
    yield "ignore_merges", "bytes", {"model": {"ignore_merges": True}}
    yield "RobertaProcessing", "bytes", {"post_processor": {"type": "RobertaProcessing", "sep": ["</s>", B + 1],
        "cls": ["<s>", B], "trim_offsets": True, "add_prefix_space": False}}
    yield "BertProcessing", "bytes", {"post_processor": {"type": "BertProcessing", "sep": ["</s>", B + 1],
        "cls": ["<s>", B]}}
    yield "template of two tokens", "bytes", {"post_processor": {"type": "Sequence",
        "processors": [{**byte_level, "trim_offsets": False},
            template(["</s>", "$A", "<s>"], {"</s>": [B + 1, B], "<s>": [B]})]}}
    for scheme in ("first", "always", "never"):
        for split in (False, True):
            yield f"metaspace {scheme} {split}", "characters", {"normalizer": None,
                "pre_tokenizer": metaspace(scheme, split)}
        yield f"metaspace decoder {scheme}", "plain", {"normalizer": None, "pre_tokenizer": metaspace(scheme, True),
            "decoder": metaspace(scheme, True)}
    yield "characters ignore_merges", "characters", {"model": {"ignore_merges": True}}
    yield "no fuse_unk with byte fallback", "characters", {"model": {"fuse_unk": False}}
    yield "fuse_unk", "plain", {}
    yield "no fuse_unk", "plain", {"model": {"fuse_unk": False}}
    yield "no unknown token", "plain", {"model": {"unk_token": None}}
    yield "replace only", "characters", {"normalizer": replace(" ", "▁"),
        "decoder": {"type": "Sequence", "decoders": [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}]}}
    yield "split by space", "characters", {"normalizer": replace(" ", "▁"),
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
            "invert": False}}
    yield "replace, NFKC", "characters", {"normalizer": {"type": "Sequence",
        "normalizers": [{"type": "NFKC"}, {"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"), replace("cd", "dc")]}}
    yield "strip two", "characters", {"decoder": {"type": "Sequence",
        "decoders": [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 2, "stop": 0}]}}


PIPELINE_TEXTS = ["", " ", "  ", "the ab the", " the  ab", "abcd   the\n", "<x>", "a<x>b", "a <x> b", "  <x>  the",
    "<x>a<x>ab", "athe thea the.the _the the_ éthe ⓐthe", "the",
                  " ab ab ab", "ab <s> ab</s>the", "<s>the", "<s> the", "e\u0301x \u00e9x e\u0301b \u00e9b", "e\u0301x",
                  "xe\u0301xx \u00e9b ", "123 12 3 x1", "日日 日本 ℃ ﬁ", "q q qq", "ab\u2581ab \u2581", "<0x41>", "<unk>a",
                  "a<s>ab<s", "😀 \x00é",
                  "the<x> <x>the <x>\n", "\u00a0<x>\u3000a"]


def merge(base, patch):
    result = copy.deepcopy(base)
    for key, value in patch.items():
        if key == "model":
            result["model"].update(value)
        else:
            result[key] = value
    return result


def make_pipelines():
    bases = {"bytes": byte_level_base(), "characters": character_base(), "plain": character_base(False)}
    cases = []
    for name, base, patch in pipelines():
        case = {"name": name, "base": base, "patch": patch, "ids": [], "plain": [], "decoded": [], "skipped": []}
        try:
            tokenizer = Tokenizer.from_str(json.dumps(merge(bases[base], patch)))
            tokenizer.encode("the")
        except BaseException as e:
            print(name, "failed:", repr(e)[:300])
            continue
        for text in PIPELINE_TEXTS:
            ids = tokenizer.encode(text).ids
            tokenizer.encode_special_tokens = True
            case["plain"].append(tokenizer.encode(text, add_special_tokens=False).ids)
            tokenizer.encode_special_tokens = False
            case["ids"].append(ids)
            case["decoded"].append(tokenizer.decode(ids, skip_special_tokens=False))
            case["skipped"].append(tokenizer.decode(ids, skip_special_tokens=True))
        cases.append(case)
    write("tokenizer-pipelines.json", {"bases": bases, "texts": PIPELINE_TEXTS, "cases": cases})


def make_normalization():
    forms = {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD()}
    result = {"every_character": {}, "texts": {}}
    for form, normalizer in forms.items():
        outs = [normalizer.normalize_str(chr(c)) for c in SCALARS]
        result["every_character"][form] = hashlib.sha256("\n".join(outs).encode()).hexdigest()
        result["texts"][form] = [[t, n] for t in TEXTS if (n := normalizer.normalize_str(t)) != t]
    nfd = forms["NFD"]
    order = []
    for c in SCALARS:
        before = nfd.normalize_str("a\u0345" + chr(c)) != "a\u0345" + nfd.normalize_str(chr(c))
        after = nfd.normalize_str("a" + chr(c) + "\u0334") != "a" + nfd.normalize_str(chr(c)) + "\u0334"
        order.append("0123"[before + 2 * after])
    result["order_of_every_character"] = hashlib.sha256("".join(order).encode()).hexdigest()
    # Every composition: what each canonical pair makes, with its parts apart.
    nfc, pairs = forms["NFC"], []
    for c in SCALARS:
        parts = nfd.normalize_str(chr(c))
        if len(parts) > 1:
            pairs.append(nfc.normalize_str(parts) + nfc.normalize_str("x" + parts + "\u0301"))
    result["compositions"] = hashlib.sha256("\n".join(pairs).encode()).hexdigest()
    write("normalization.json", result)


def runs(codes):
    result = []
    for c, code in zip(SCALARS, codes):
        if not result or result[-1][1] != code:
            result.append([c, code])
    return result


def make_classes():
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    split = pre_tokenizers.Split(tokenizers.Regex(GPT2), "isolated")
    digits = pre_tokenizers.Digits(individual_digits=True)

    def kind(c, cut):
        text = chr(c)
        if len(cut("a" + text)) == 1: return "L"
        if len(cut("1" + text)) == 1: return "N"
        if len(cut("!" + text)) == 1: return "O"
        return "S"
    classes = {
        "byte_level": runs(kind(c, gpt2.pre_tokenize_str) for c in SCALARS),
        "split": runs(kind(c, split.pre_tokenize_str) for c in SCALARS),
        "digits": runs("N" if len(digits.pre_tokenize_str("a" + chr(c))) == 2 else "O" for c in SCALARS),
    }
    base = byte_level_base()
    B = len(base["model"]["vocab"])
    for flag in ("single_word", "lstrip"):
        t = Tokenizer.from_str(json.dumps(merge(base, {"added_tokens": [token(B, "<x>", **{flag: True})]})))
        if flag == "single_word":
            classes["word"] = runs("W" if B not in t.encode(chr(c) + "<x>").ids else "O" for c in SCALARS)
        else:
            classes["space"] = runs("S" if t.encode(chr(c) + "<x>").ids == [B] else "O" for c in SCALARS)
    write("character-classes.json", classes)


def make_sentencepiece():
    import sentencepiece as spm
    MADE["sentencepiece"] = spm.__version__
    corpus = os.path.join(OUT, "corpus.txt")
    sentences = [s for text in TEXTS for s in text.split("\n") if s.strip() and len(s) < 90
        and all(" " <= c < "\u0180" for c in s)]
    open(corpus, "w", encoding="utf-8").write("\n".join(sentences * 3))
    results = {}
    common = dict(input=corpus, model_type="bpe", vocab_size=560, character_coverage=1.0, num_threads=1)
    for name, options in {
        "defaults": dict(normalization_rule_name="identity", byte_fallback=True, user_defined_symbols="<sep>,__x"),
        "plain": dict(normalization_rule_name="identity", byte_fallback=True, remove_extra_whitespaces=False,
            split_digits=True),
        "no-prefix": dict(normalization_rule_name="identity", byte_fallback=True, add_dummy_prefix=False,
            remove_extra_whitespaces=False, control_symbols="<ctl>"),
        "no-bytes": dict(vocab_size=300, normalization_rule_name="identity", byte_fallback=False,
            remove_extra_whitespaces=False),
    }.items():
        prefix = os.path.join(OUT, f"sp-{name}")
        spm.SentencePieceTrainer.train(model_prefix=prefix, **{**common, **options})
        os.remove(prefix + ".vocab")
        sp = spm.SentencePieceProcessor(model_file=prefix + ".model")
        results[name] = [[ids := sp.encode(t), sp.decode(ids)] for t in TEXTS]
    os.remove(corpus)
    write("sentencepiece.json", {"models": results})


def make_real():
    results = {}
    for name in ("gpt2", "llama2", "llama3.1", "qwen3", "smollm2"):
        results[name] = real_json(Tokenizer.from_file(os.path.join(SHARED, "data", "tokenizers", name,
            "tokenizer.json")))
    folder = os.path.join(SHARED, "data", "tokenizers", "mistral")
    model = os.path.join(folder, "tokenizer.model")
    import sentencepiece as spm
    sp = spm.SentencePieceProcessor(model_file=model)
    MADE["sentencepiece"] = spm.__version__
    results["mistral"] = real(lambda t: [1] + sp.encode(t), lambda t: None, lambda ids, skip: sp.decode(ids))
    write("tokenizer-real.json", {"tokenizers": results})


if __name__ == "__main__":
    steps = {"pipelines": make_pipelines, "real": make_real, "sentencepiece": make_sentencepiece,
        "classes": make_classes, "normalization": make_normalization}
    for name in sys.argv[3:] or steps:
        steps[name]()
