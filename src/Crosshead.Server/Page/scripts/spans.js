// Markdown as plain data: the pieces of a line of text.

import { DEEPEST } from './blocks.js';

const PUNCTUATION = /[!-/:-@[-`{-~]/;

/** The pieces of a line of text: strings, and code, strong, emphasis and link. */
export function spansOf(text, links = true) {
  const frames = [{ mark: '', count: 0, spans: [] }];
  const noCloser = new Set(); // lengths of runs of backticks without a second one
  let at = 0;
  while (at < text.length) {
    const c = text[at];
    if (c === '\\' && at + 1 < text.length && PUNCTUATION.test(text[at + 1])) {
      add(frames, text[at + 1]);
      at += 2;
    } else if (c === '`') {
      const run = runLength(text, at);
      const end = noCloser.has(run) ? -1 : closingRun(text, at + run, run);
      if (end < 0) {
        noCloser.add(run);
        add(frames, text.slice(at, at + run));
        at += run;
      } else {
        add(frames, { kind: 'code', text: trimOnce(text.slice(at + run, end)) });
        at = end + run;
      }
    } else if (c === '*' || c === '_') {
      const run = runLength(text, at);
      emphasis(frames, text, at, run);
      at += run;
    } else if (links && (c === '[' || c === '<' || c === '!' && text[at + 1] === '[')) {
      const link = linkAt(text, c === '!' ? at + 1 : at);
      add(frames, link ? link.span : c);
      at = link ? link.end : at + 1;
    } else {
      let end = at + 1;
      while (end < text.length && !'\\`*_[<!'.includes(text[end])) end++;
      add(frames, text.slice(at, end));
      at = end;
    }
  }
  fold(frames, 1);
  return frames[0].spans;
}

// Text beside text becomes one string.
function add(frames, span) {
  const spans = frames[frames.length - 1].spans;
  if (typeof span === 'string' && typeof spans[spans.length - 1] === 'string') spans[spans.length - 1] += span;
  else if (span !== '') spans.push(span);
}

// Marks that were opened and never closed are text.
function fold(frames, from) {
  while (frames.length > from) {
    const open = frames.pop();
    add(frames, open.mark.repeat(open.count));
    for (const span of open.spans) add(frames, span);
  }
}

function emphasis(frames, text, at, run) {
  const mark = text[at];
  const [before, after] = [text[at - 1] ?? ' ', text[at + run] ?? ' '];
  const word = c => /[\p{L}\p{N}]/u.test(c);
  const closes = !/\s/.test(before) && (mark === '*' || !word(after));
  const opens = !/\s/.test(after) && (mark === '*' || !word(before));
  let left = run;
  while (left > 0 && closes) {
    let k = frames.length - 1;
    while (k > 0 && frames[k].mark !== mark) k--;
    if (k === 0) break;
    fold(frames, k + 1);
    const open = frames.pop();
    const count = Math.min(open.count, left);
    add(frames, mark.repeat(open.count - count));
    add(frames, { kind: count === 2 ? 'strong' : 'emphasis', spans: open.spans });
    left -= count;
  }
  while (left > 0 && opens && frames.length <= DEEPEST) {
    const count = Math.min(left, 2);
    frames.push({ mark, count, spans: [] });
    left -= count;
  }
  add(frames, mark.repeat(left));
}

function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end++;
  return end - at;
}

function closingRun(text, from, length) {
  for (let at = text.indexOf('`', from); at >= 0; at = text.indexOf('`', at)) {
    const run = runLength(text, at);
    if (run === length) return at;
    at += run;
  }
  return -1;
}

function trimOnce(code) {
  return code.startsWith(' ') && code.endsWith(' ') && code.trim() !== '' ? code.slice(1, -1) : code;
}

const LINK = /^\[([^[\]]{1,400})\]\(((?:[^\s()]|\([^\s()]{0,200}\)){1,2000})(?:\s"[^"]{0,200}")?\)/;
const ADDRESS = /^<()(https?:[^\s<>]{1,2000})>/i;

// [label](address "title") or <address>, of bounded length so that odd texts cost no time.
function linkAt(text, at) {
  const piece = text.slice(at, at + 2500);
  const match = LINK.exec(piece) ?? ADDRESS.exec(piece);
  const href = match && safeAddress(match[2]);
  if (!href) return null;
  const spans = match[1] ? spansOf(match[1], false) : [match[2]];
  return { span: { kind: 'link', href, spans }, end: at + match[0].length };
}

/** The address if it is a whole one of the web, otherwise null. */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}
