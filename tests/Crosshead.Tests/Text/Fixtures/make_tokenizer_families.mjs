// Makes tokenizer-families.json: small tokenizers in the shape of those of model families, and what Hugging Face's
// tokenizers make of odd texts with them. The vocabularies are learned here, from those texts, without looking at words;
// so a word that is cut elsewhere has other ids.
//
//     npm install tokenizers && node make_tokenizer_families.mjs OUT
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
const require = createRequire(path.join(process.cwd(), "x.js"));
const { Tokenizer } = require("tokenizers");
const version = require("tokenizers/package.json").version;

const here = path.dirname(new URL(import.meta.url).pathname);
const all = JSON.parse(fs.readFileSync(path.join(here, "tokenizer-texts.json"), "utf8"));
const given = [...all.filter((text, i) => text.length > 6 && text.length < 90 && i % 2 === 0),
  "", " ", "\t", "\r\n", "a", "'ſ x'ſ THEY'LL HTTPServer's", "1\t2\r3", "\ud83d x \ude00", "日本語12345テキスト ﾊﾟ", "a  b   c",
  "𐐀𐐨𝒜𝟙😀", "½Ⅷ²①", "<|im_start|>the<|im_end|>", " the<|im_start|> the", "!a ?b .C", "x\n\n\ny  \n z ", "ǅa ʰb Ǆ",
  "x!! !!y", "q\u0001\u0002q\ue000\ue001q"];

const alphabet = [];
for (let b = 0, next = 256; b < 256; b++)
  alphabet.push(String.fromCodePoint((b >= 33 && b < 127) || (b >= 161 && b < 173) || b > 173 ? b : next++));

// The commonest pair of neighbours, as often as asked.
function learn(sequences, count) {
  const merges = [];
  for (let step = 0; step < count; step++) {
    const pairs = new Map();
    for (const s of sequences)
      for (let i = 0; i + 1 < s.length; i++) {
        const pair = s[i] + " " + s[i + 1];
        pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      }
    const [best, times] = [...pairs].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a), ["", 1]);
    if (times < 2) break;
    const [left, right] = best.split(" ");
    merges.push([left, right]);
    for (const s of sequences)
      for (let i = 0; i + 1 < s.length; i++) if (s[i] === left && s[i + 1] === right) s.splice(i, 2, left + right);
  }
  return merges;
}

const wellFormed = given.map((text) => text.toWellFormed()); // halves of surrogate pairs as U+FFFD
const special = (id, content, flags = {}) =>
  ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...flags });
const model = (vocab, merges, flags = {}) => ({ type: "BPE", dropout: null, unk_token: null,
  continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false,
  ignore_merges: false, vocab, merges, ...flags });

// BPE over bytes.
const byteMerges = learn(wellFormed.map((t) => [...Buffer.from(t)].map((b) => alphabet[b])), 260);
const byteVocab = {};
for (const token of [...alphabet].sort().concat(byteMerges.map((m) => m.join(""))))
  byteVocab[token] ??= Object.keys(byteVocab).length;
const B = Object.keys(byteVocab).length;
const byteTokens = [special(B, "<|im_start|>"), special(B + 1, "<|im_end|>", { special: false, rstrip: true })];
const words = (regex, space = false) =>
  ({ type: "ByteLevel", add_prefix_space: space, trim_offsets: true, use_regex: regex });
const bytes = { version: "1.0", truncation: null, padding: null, added_tokens: byteTokens, normalizer: null,
  pre_tokenizer: words(true), post_processor: null, decoder: words(true), model: model(byteVocab, byteMerges) };

// SentencePiece's BPE over characters: marks for spaces, tokens for bytes.
const marked = wellFormed.map((t) => [...t.replaceAll(" ", "▁")].filter((c) => c > "\u0002"));
const charMerges = learn(marked.map((s) => s.filter((c) => c < "\u3000")), 200);
const pieces = ["<pad>", "<eos>", "<bos>", "<unk>"];
for (let b = 0; b < 256; b++) pieces.push(`<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
for (const c of [...new Set(charMerges.flat().filter((t) => [...t].length === 1).concat([..."\tabcdethxyz▁"]))].sort())
  pieces.push(c);
for (const m of charMerges) if (!pieces.includes(m.join(""))) pieces.push(m.join(""));
const replace = (old, content) => ({ type: "Replace", pattern: { String: old }, content });
const decoders = (...steps) => ({ type: "Sequence", decoders: steps });
const toText = decoders(replace("▁", " "), { type: "ByteFallback" }, { type: "Fuse" });
const charVocab = (without = []) => {
  const vocab = {};
  for (const piece of pieces.filter((p) => !without.includes(p))) vocab[piece] = Object.keys(vocab).length;
  return vocab;
};
const charModel = (vocab, flags = {}) =>
  model(vocab, charMerges, { unk_token: "<unk>", fuse_unk: true, byte_fallback: true, ...flags });
const characters = { version: "1.0", truncation: null, padding: null,
  added_tokens: ["<pad>", "<eos>", "<bos>", "<unk>"].map((t, i) => special(i, t)), normalizer: replace(" ", "▁"),
  pre_tokenizer: null, post_processor: null, decoder: toText, model: charModel(charVocab()) };

// A unigram model: scores by place, longer tokens better than their parts, some worse.
const unigramPieces = pieces.filter((p) => !/^<0x/.test(p));
const unigram = (vocab, flags = {}) => ({ type: "Unigram", unk_id: 3, byte_fallback: false,
  vocab: vocab.map((p, i) => [p, i < 4 ? 0 : -2 - (i * 7919 % 97) / 9 - (i % 5 ? 0 : p.length * 3)]), ...flags });
const metaspace = (scheme, split) => ({ type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split });
const scored = { ...characters, normalizer: null, pre_tokenizer: metaspace("always", true),
  decoder: metaspace("always", true), model: unigram(unigramPieces) };

const split = (pattern, behavior = "Isolated", invert = false) =>
  ({ type: "Split", pattern: typeof pattern === "string" ? { Regex: pattern } : pattern, behavior, invert });
const steps = (...pretokenizers) => ({ type: "Sequence", pretokenizers });
const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const lines = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]", lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const o200k = `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${contraction}?|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${contraction}?|`
  + `\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${lines}`;
const cl100k = `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${lines}`;
const possessive = "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|"
  + "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
const seed = `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${lines}`;
const deepSeek = ["\\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|"
  + "\\s*[\r\n]+|\\s+(?!\\S)|\\s+"];
const deepSeekCoder = ["[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+"];
const digits = (individual_digits) => ({ type: "Digits", individual_digits });
const bytewise = words(false);

const cases = [
  ["gpt-oss", "bytes", { pre_tokenizer: steps(split(o200k), bytewise) }],
  ["gpt-oss, removed and inverted", "bytes", { pre_tokenizer: steps(split(o200k, "Removed", true), bytewise),
    model: { ignore_merges: true } }],
  ["phi-4, olmo 2", "bytes", { pre_tokenizer: steps(split(cl100k, "Removed", true), bytewise) }],
  ["possessive words", "bytes", { pre_tokenizer: steps(split(possessive), bytewise) }],
  ["glm-4, smollm 3", "bytes", { pre_tokenizer: steps(split(cl100k), bytewise) }],
  ["cohere", "bytes", { normalizer: { type: "NFC" }, pre_tokenizer: steps(digits(true), words(true)) }],
  ["seed-oss", "bytes", { pre_tokenizer: steps(split(seed), bytewise) }],
  ["deepseek-v3", "bytes", { pre_tokenizer: steps(...deepSeek.map((r) => split(r)), bytewise) }],
  ["deepseek-coder", "bytes", { pre_tokenizer: steps(...deepSeekCoder.map((r) => split(r)), digits(true), bytewise) }],
  ["digits together", "bytes", { pre_tokenizer: steps(digits(false), words(true)) }],
  ["digits, space before each piece", "bytes", { pre_tokenizer: steps(digits(true), words(true, true)) }],
  ["words, space before each piece", "bytes", { pre_tokenizer: steps(split(cl100k), words(false, true)) }],
  ["punctuation", "bytes", { pre_tokenizer: steps({ type: "Punctuation", behavior: "Contiguous" }, words(true)) }],
  ["lines", "bytes", { pre_tokenizer: steps(split("^\\s+"), split("\\s+$"), bytewise) }],
  ...["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"].flatMap((behavior) =>
    [false, true].map((invert) => [`${behavior} ${invert}`, "bytes", { pre_tokenizer:
      steps(split(invert ? "[a-e ]" : { String: "!" }, behavior, invert), split(" ", behavior, invert), bytewise) }])),
  ["fuse_unk over bytes", "bytes", { model: { unk_token: "q", fuse_unk: true }, without: ["Ã", "©", "Ì", "ð"] }],
  ["no fuse_unk over bytes", "bytes", { model: { unk_token: "q" }, without: ["Ã", "©", "Ì", "ð"] }],
  ["byte_fallback with all bytes", "bytes", { model: { byte_fallback: true } }],
  ["gemma", "characters", { pre_tokenizer: split({ String: " " }, "MergedWithPrevious"), without: ["<0x09>"] }],
  ["bytes that lack", "characters", { without: ["<0xE2>", "<0x01>", "<0xF0>"] }],
  ["bytes that lack, not fused", "characters", { without: ["<0xE2>", "<0x01>"], model: { fuse_unk: false } }],
  ["digits before metaspace", "characters", { normalizer: null,
    pre_tokenizer: steps(digits(true), metaspace("first", true)) }],
  ["expressions over characters", "characters", { pre_tokenizer: steps(split("▁+"), split("\\p{P}", "Removed")) }],
  ["replace an expression", "characters", { normalizer: { type: "Sequence", normalizers: [
    { type: "Strip", strip_left: true, strip_right: false }, { type: "NFKC" },
    { type: "Replace", pattern: { Regex: " {2,}" }, content: " " }, replace(" ", "▁")] } }],
  ["unigram", "scored", {}],
  ["unigram first", "scored", { pre_tokenizer: metaspace("first", false), decoder: metaspace("first", false) }],
  ["unigram never", "scored", { pre_tokenizer: metaspace("never", true), decoder: metaspace("never", true),
    normalizer: { type: "NFKC" } }],
  ["unigram, bytes", "scored", { decoder: toText, model: unigram(pieces, { byte_fallback: true }) }],
  ["unigram, bytes that lack", "scored", { decoder: toText,
    model: unigram(pieces.filter((p) => p !== "<0xE2>"), { byte_fallback: true }) }],
];

const bases = { bytes, characters, scored };
const result = [];
for (const [name, base, { without = [], ...patch }] of cases) {
  const json = structuredClone(bases[base]);
  for (const part in patch) if (part !== "model") json[part] = patch[part];
  Object.assign(json.model, patch.model);
  if (without.length > 0 && base === "bytes") {
    json.model.merges = json.model.merges.filter((m) => ![...m.join("")].some((c) => without.includes(c)));
    json.model.vocab = {};
    for (const t in byteVocab)
      if (![...t].some((c) => without.includes(c))) json.model.vocab[t] = Object.keys(json.model.vocab).length;
    json.added_tokens = json.added_tokens.map((t, i) => ({ ...t, id: Object.keys(json.model.vocab).length + i }));
    Object.assign(patch, { added_tokens: json.added_tokens, model: { ...patch.model, vocab: json.model.vocab,
      merges: json.model.merges } });
  } else if (without.length > 0) {
    json.model.vocab = charVocab(without);
    patch.model = { ...patch.model, vocab: json.model.vocab };
  }
  const tokenizer = Tokenizer.fromString(JSON.stringify(json));
  const entry = { name, base, patch, ids: [], decoded: {}, skipped: {} }; // texts where they are not the one given
  for (const [i, text] of wellFormed.entries()) {
    const ids = [...(await tokenizer.encode(text)).getIds()];
    entry.ids.push(ids);
    for (const [kind, skip] of [["decoded", false], ["skipped", true]]) {
      const back = await tokenizer.decode(ids, skip);
      if (back !== text) entry[kind][i] = back;
    }
  }
  result.push(entry);
}
fs.writeFileSync(process.argv[2], JSON.stringify({ made_with: { tokenizers: version }, bases, texts: wellFormed, cases: result }));
