// The chat page. The first half are functions without a document, which tests call by themselves: Markdown, streams,
// requests, storage, numbers. The second half builds the page with them. What a model writes only ever becomes text
// nodes, never markup.

// ---- Markdown, as plain data ----

const DEEPEST = 8; // of lists and quotes within each other
const PUNCTUATION = /[!-/:-@[-`{-~]/;

/** The blocks of a text: paragraph, heading, code, list, quote and rule. */
export function blocksOf(text, depth = 0, outline = { level: 2 }) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = fenceOf(line);
    const item = itemOf(line);
    if (line.trim() === '') {
      at++;
    } else if (fence) {
      const inside = [];
      for (at++; at < lines.length && !closesFence(lines[at], fence); at++) {
        inside.push(unindent(lines[at], fence.indent));
      }
      at++;
      blocks.push({ kind: 'code', language: fence.language, text: inside.join('\n') });
    } else if (headingOf(line)) {
      const heading = headingOf(line);
      // Headings of the page never skip a level, whatever the model does.
      outline.level = Math.min(heading.depth + 2, outline.level + 1, 6);
      blocks.push({ kind: 'heading', level: outline.level, text: heading.text });
      at++;
    } else if (isRule(line)) {
      blocks.push({ kind: 'rule' });
      at++;
    } else if (depth < DEEPEST && isQuote(line)) {
      const inside = [];
      for (; at < lines.length && isQuote(lines[at]); at++) {
        inside.push(lines[at].trimStart().slice(1).replace(/^ /, ''));
      }
      blocks.push({ kind: 'quote', blocks: blocksOf(inside.join('\n'), depth + 1, outline) });
    } else if (depth < DEEPEST && item) {
      const list = { kind: 'list', ordered: item.ordered, start: item.number, items: [] };
      at = takeItems(lines, at, list, depth, outline);
      blocks.push(list);
    } else {
      const inside = [line.trim()];
      for (at++; at < lines.length && !endsParagraph(lines[at], depth); at++) inside.push(lines[at].trim());
      blocks.push({ kind: 'paragraph', text: inside.join('\n') });
    }
  }
  return blocks;
}

function fenceOf(line) {
  const match = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  if (!match || match[2][0] === '`' && match[3].includes('`')) return null;
  return { indent: match[1].length, mark: match[2], language: match[3].trim().split(/\s/)[0] };
}

function closesFence(line, fence) {
  const end = line.trim();
  return end.length >= fence.mark.length && end === fence.mark[0].repeat(end.length);
}

function unindent(line, spaces) {
  let at = 0;
  while (at < spaces && line[at] === ' ') at++;
  return line.slice(at);
}

function headingOf(line) {
  const match = /^ {0,3}(#{1,6})[ \t]/.exec(line);
  if (!match) return null;
  const text = line.slice(match[0].length).trim();
  let end = text.length;
  while (end > 0 && text[end - 1] === '#') end--;
  const closed = end === 0 || text[end - 1] === ' ';
  return { depth: match[1].length, text: closed ? text.slice(0, end).trimEnd() : text };
}

function isRule(line) {
  const marks = line.replace(/[ \t]/g, '');
  return marks.length >= 3 && '-*_'.includes(marks[0]) && marks === marks[0].repeat(marks.length);
}

const isQuote = line => /^ {0,3}>/.test(line);

function itemOf(line) {
  const match = /^( *)([-*+]|\d{1,9}[.)])( +|$)/.exec(line);
  if (!match || isRule(line)) return null;
  const [whole, indent, mark, gap] = match;
  const ordered = mark.length > 1;
  return {
    indent: indent.length,
    // Text after many spaces is still text, not a deeper level.
    inside: indent.length + mark.length + (gap.length >= 1 && gap.length <= 4 ? gap.length : 1),
    kind: mark[mark.length - 1],
    ordered,
    number: ordered ? parseInt(mark, 10) : 1,
    text: line.slice(whole.length),
  };
}

function takeItems(lines, at, list, depth, outline) {
  const first = itemOf(lines[at]);
  let item = first;
  while (item) {
    const inside = [item.text];
    let blank = false;
    for (at++; at < lines.length; at++) {
      const line = lines[at];
      const indent = line.length - line.trimStart().length;
      if (line.trim() === '') blank = true;
      else if (indent < item.inside && (blank || itemOf(line) || endsParagraph(line, depth))) break;
      else blank = false;
      inside.push(unindent(line, item.inside));
    }
    list.items.push(blocksOf(inside.join('\n'), depth + 1, outline));
    const next = at < lines.length ? itemOf(lines[at]) : null;
    item = next && next.kind === first.kind && next.indent < first.inside ? next : null;
  }
  return at;
}

function endsParagraph(line, depth) {
  if (line.trim() === '' || fenceOf(line) || headingOf(line) || isRule(line)) return true;
  // A line that begins with a year and a full stop is no list.
  const item = itemOf(line);
  return depth < DEEPEST && (isQuote(line) || item !== null && item.number === 1);
}

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

// ---- Streams ----

/** Takes pieces of a text/event-stream and returns the data of the events that became whole. */
export function eventReader() {
  let rest = '';
  let data = [];
  return piece => {
    const events = [];
    const text = rest + piece;
    let begin = 0;
    for (let at = 0; at < text.length; at++) {
      if (text[at] !== '\n' && text[at] !== '\r') continue;
      if (text[at] === '\r' && at + 1 === text.length) break; // perhaps \n follows
      const line = text.slice(begin, at);
      if (text[at] === '\r' && text[at + 1] === '\n') at++;
      begin = at + 1;
      if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
      } else if (line === '' && data.length > 0) {
        events.push(data.join('\n'));
        data = [];
      }
    }
    rest = text.slice(begin);
    return events;
  };
}

/** An error that the server reports, or its absence. */
export class Failure extends Error {
  constructor(message, { status = 0, retryAfter = 0 } = {}) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The chunks of an answer, until its end. */
export async function* chunksOf(body, heard = () => {}) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const events = eventReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    for (const data of events(decoder.decode(value, { stream: true }))) {
      if (data === '[DONE]') return;
      yield JSON.parse(data);
    }
  }
}

/** Adds a chunk to a message; true if it brought something to read. */
export function takeChunk(message, chunk) {
  if (chunk.error) throw new Failure(chunk.error.message ?? String(chunk.error));
  if (chunk.usage) {
    message.usage = {
      prompt: chunk.usage.prompt_tokens,
      answer: chunk.usage.completion_tokens,
      cached: chunk.usage.prompt_tokens_details?.cached_tokens ?? 0,
    };
  }
  const choice = chunk.choices?.[0];
  if (!choice) return false;
  const delta = choice.delta ?? {};
  const thought = delta.reasoning ?? delta.reasoning_content ?? '';
  const text = choice.text ?? delta.content ?? '';
  const calls = delta.tool_calls ?? [];
  if (thought) message.thought = (message.thought ?? '') + thought;
  message.text += text;
  for (const part of calls) {
    message.calls ??= [];
    const call = message.calls[part.index] ??= { id: '', name: '', arguments: '' };
    call.id ||= part.id ?? '';
    call.name ||= part.function?.name ?? '';
    call.arguments += part.function?.arguments ?? '';
  }
  if (choice.finish_reason) message.end = choice.finish_reason;
  return thought !== '' || text !== '' || calls.length > 0;
}

/** The server's own words about a refused request. */
export async function failureOf(response) {
  const text = await response.text().catch(() => '');
  let message = text.slice(0, 300);
  try {
    message = JSON.parse(text).error.message;
  } catch {
    // not the server's form: show what came
  }
  const retryAfter = Number(response.headers.get('Retry-After')) || 0;
  return new Failure(message || `the server answered with status ${response.status}.`,
    { status: response.status, retryAfter });
}

// ---- Requests ----

const TEXT_TOKENS = 256; // for models that continue texts: the server's own default is 16

/** What the fields of the settings mean for a request; an empty field is left to the server. */
export function sampling(settings) {
  const request = {};
  const put = (name, text) => {
    if (text !== '' && Number.isFinite(Number(text))) request[name] = Number(text);
  };
  put('temperature', settings.temperature);
  put('top_p', settings.topP);
  put('max_tokens', settings.maxTokens);
  put('seed', settings.seed);
  return request;
}

/** The messages of a conversation for the server. Neighbours of the same role become one. */
export function turnsOf(messages, system) {
  const turns = [];
  if (system.trim() !== '') turns.push({ role: 'system', content: system });
  for (const message of messages) {
    const last = turns[turns.length - 1];
    if (last?.role === message.role && !last.tool_calls && !message.calls) last.content += `\n\n${message.text}`;
    else turns.push(turnOf(message));
  }
  return turns;
}

function turnOf(message) {
  const turn = { role: message.role, content: message.text };
  const calls = (message.calls ?? []).filter(c => c);
  if (calls.length === 0) return turn;
  turn.content = message.text || null;
  turn.tool_calls = calls.map(c =>
    ({ id: c.id, type: 'function', function: { name: c.name, arguments: c.arguments } }));
  return turn;
}

/** The conversation as one text, for a model that only continues texts. */
export function promptOf(messages, system) {
  let prompt = system.trim() === '' ? '' : `${system.trimEnd()}\n\n`;
  for (const message of messages) {
    const apart = message.role === 'user' && prompt !== '' && !/\s$/.test(prompt) && !/^\s/.test(message.text);
    prompt += (apart ? '\n' : '') + message.text;
  }
  return prompt;
}

/** The address and the body of the request for the next answer. */
export function requestOf(messages, settings, model, continues) {
  const common = { model: model.id, stream: true, stream_options: { include_usage: true }, ...sampling(settings) };
  if (!model.chats) {
    common.max_tokens ??= TEXT_TOKENS;
    return ['v1/completions', { ...common, prompt: promptOf(messages, settings.system) }];
  }
  const open = continues ? { continue_final_message: true, add_generation_prompt: false } : {};
  return ['v1/chat/completions', { ...common, messages: turnsOf(messages, settings.system), ...open }];
}

// ---- Storage ----

const CHAT = 'crosshead.chat.';
const SETTINGS = 'crosshead.settings';
const KEY = 'crosshead.key';
const FIELDS = ['system', 'temperature', 'topP', 'maxTokens', 'seed'];

/** Most chats that are kept. */
export const MOST_CHATS = 100;

/** A new chat. */
export function newChat(now = Date.now()) {
  return { id: `${now.toString(36)}-${Math.random().toString(36).slice(2, 8)}`, changed: now, messages: [] };
}

/** What a chat is called: the beginning of its first message. */
export function titleOf(chat) {
  const text = (chat.messages.find(m => m.role === 'user')?.text ?? '').trim().replace(/\s+/g, ' ');
  if (text === '') return 'Empty chat';
  const letters = [...text.slice(0, 120)];
  return letters.length > 48 ? `${letters.slice(0, 47).join('')}…` : letters.join('');
}

/** All stored chats, the newest first. What is damaged is left out. */
export function readChats(storage) {
  return storedIds(storage).map(id => readChat(storage, id)).filter(c => c).sort((a, b) => b.changed - a.changed);
}

function storedIds(storage) {
  return attempt(() => Array.from({ length: storage.length }, (_, i) => storage.key(i))
    .filter(k => k.startsWith(CHAT)).map(k => k.slice(CHAT.length)), []);
}

/** A stored chat, or null. */
export function readChat(storage, id) {
  return attempt(() => {
    const { id: named, changed, messages } = JSON.parse(storage.getItem(CHAT + id));
    const whole = messages.map(storedMessage);
    return named === id && Number.isFinite(changed) && !whole.includes(null) ? { id, changed, messages: whole } : null;
  }, null);
}

// A message with the parts that have the right form; null if it is none.
function storedMessage({ role, text, thought, model, end, usage, time, calls }) {
  if (role !== 'user' && role !== 'assistant' || typeof text !== 'string') return null;
  const message = { role, text };
  for (const [name, value] of Object.entries({ thought, model, end })) {
    if (typeof value === 'string') message[name] = value;
  }
  const numbers = (value, ...names) => value && names.every(n => Number.isFinite(value[n]));
  if (numbers(usage, 'prompt', 'answer', 'cached')) message.usage = usage;
  if (numbers(time, 'first', 'last')) message.time = time;
  if (Array.isArray(calls)) {
    message.calls = calls.filter(c => ['id', 'name', 'arguments'].every(n => typeof c?.[n] === 'string'));
  }
  return message;
}

/** Stores a chat. Says whether that worked, and which chats went because there are too many. */
export function saveChat(storage, chat) {
  try {
    storage.setItem(CHAT + chat.id, JSON.stringify(chat));
  } catch {
    return { kept: false, removed: [] };
  }
  const tooMany = storedIds(storage).length > MOST_CHATS;
  const removed = tooMany ? readChats(storage).filter(c => c.id !== chat.id).slice(MOST_CHATS - 1) : [];
  for (const old of removed) deleteChat(storage, old.id);
  return { kept: true, removed };
}

/** Forgets a chat. */
export function deleteChat(storage, id) {
  attempt(() => storage.removeItem(CHAT + id));
}

/** The stored settings; every field is a string. */
export function readSettings(storage) {
  const stored = attempt(() => JSON.parse(storage.getItem(SETTINGS)), null) ?? {};
  return Object.fromEntries(FIELDS.map(f => [f, typeof stored[f] === 'string' ? stored[f] : '']));
}

/** Stores the settings; false if that failed. */
export function saveSettings(storage, settings) {
  return attempt(() => {
    storage.setItem(SETTINGS, JSON.stringify(settings));
    return true;
  }, false);
}

/** Storage that lasts as long as the page, where the browser has none. */
export function memoryStorage() {
  const items = new Map();
  return {
    get length() { return items.size; },
    key: i => [...items.keys()][i] ?? null,
    getItem: k => items.get(k) ?? null,
    setItem: (k, v) => void items.set(k, String(v)),
    removeItem: k => void items.delete(k),
  };
}

function attempt(action, otherwise) {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

// ---- Numbers ----

const SHORTEST = 20; // milliseconds from which on a speed means something

const count = n => n.toLocaleString('en-US');
const tokens = n => `${count(n)} ${n === 1 ? 'token' : 'tokens'}`;
const ENDS = {
  length: 'ended at the limit of tokens',
  stopped: 'stopped',
  broken: 'broke off',
};

/** What is known of an answer: tokens, speed, use of the cache, and how it ended. */
export function numbersOf(message) {
  const parts = [];
  const { usage, time } = message;
  if (usage) parts.push(tokens(usage.answer));
  if (usage && time && usage.answer > 1 && time.last - time.first >= SHORTEST) {
    parts.push(`${((usage.answer - 1) / (time.last - time.first) * 1000).toFixed(1)} tokens/s`);
  }
  if (time) parts.push(`first token after ${(time.first / 1000).toFixed(2)} s`);
  if (usage) parts.push(`${count(usage.cached)} of ${tokens(usage.prompt)} of the prompt from the cache`);
  if (ENDS[message.end]) parts.push(ENDS[message.end]);
  return parts.join(' · ');
}

/** The value of a metric in Prometheus' text, whatever its prefix; null if it is not there. */
export function metric(text, name) {
  for (const line of text.split('\n')) {
    const match = /^(?:\w+:)?(\w+)(?:\{.*\})? ([^ ]+)/.exec(line);
    if (match && match[1] === name && Number.isFinite(Number(match[2]))) return Number(match[2]);
  }
  return null;
}

/** What is known of the server's cache. */
export function cacheOf(text) {
  const [used, asked, found] = ['kv_cache_usage_perc', 'prefix_cache_queries_total', 'prefix_cache_hits_total']
    .map(name => metric(text, name));
  const parts = [];
  if (used !== null) parts.push(`${(used * 100).toFixed(0)} % of the cache in use`);
  if (asked > 0 && found !== null) parts.push(`${(found / asked * 100).toFixed(0)} % of all prompt tokens found in it`);
  return parts.join(' · ');
}

// ---- The page ----

const STALL = 45_000; // milliseconds; the server sends a sign of life every 15 s
const SAVE_EVERY = 2_000;
const MOST_SPOKEN = 1_000; // characters

const $ = id => document.getElementById(id);

/** An element with attributes, and children that are elements or text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') element.addEventListener('click', value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

const button = (label, onclick, attributes = {}) => make('button', { type: 'button', onclick, ...attributes }, label);

const SPANS = { code: 'code', strong: 'strong', emphasis: 'em' };

function spanNodes(spans) {
  return spans.map(span => {
    if (typeof span === 'string') return span;
    if (span.kind === 'link') {
      return make('a', { href: span.href, target: '_blank', rel: 'noopener noreferrer' }, ...spanNodes(span.spans));
    }
    return make(SPANS[span.kind], {}, ...(span.kind === 'code' ? [span.text] : spanNodes(span.spans)));
  });
}

function blockNode(block) {
  const inside = text => spanNodes(spansOf(text));
  switch (block.kind) {
    case 'heading': return make(`h${block.level}`, {}, ...inside(block.text));
    case 'code': return codeNode(block);
    case 'rule': return make('hr');
    case 'quote': return make('blockquote', {}, ...block.blocks.map(blockNode));
    case 'list': return make(block.ordered ? 'ol' : 'ul', { start: block.ordered && block.start !== 1 && block.start },
      ...block.items.map(item => make('li', {}, ...itemNodes(item))));
    default: return make('p', {}, ...inside(block.text));
  }
}

// An item of one paragraph needs none around it.
function itemNodes(blocks) {
  const [first, ...others] = blocks;
  if (first?.kind !== 'paragraph' || others.some(b => b.kind === 'paragraph')) return blocks.map(blockNode);
  return [...spanNodes(spansOf(first.text)), ...others.map(blockNode)];
}

function codeNode({ language, text }) {
  const name = language || 'code';
  const code = make('code', {}, text);
  return make('div', { class: 'code' },
    make('div', { class: 'row' }, make('span', {}, name),
      button('Copy', e => copy(text, e.currentTarget), { 'aria-label': `Copy ${name}` })),
    make('pre', { tabindex: '0', role: 'group', 'aria-label': name }, code));
}

async function copy(text, button) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    // Browsers lend the clipboard to secure addresses only; elsewhere the old way works.
    const area = make('textarea', { class: 'unseen', readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  say(done ? 'Copied.' : 'The browser does not allow to copy.');
  button.textContent = done ? 'Copied' : 'Not allowed';
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
}

const say = text => { $('spoken').textContent = text; };

/** Shows Markdown in an element, and builds only the blocks that have changed. */
function markdownView(element) {
  let shown = [];
  return text => {
    const blocks = blocksOf(text);
    const next = blocks.map(b => JSON.stringify(b));
    let same = 0;
    while (same < next.length && next[same] === shown[same]) same++;
    while (element.childNodes.length > same) element.lastChild.remove();
    element.append(...blocks.slice(same).map(blockNode));
    shown = next;
  };
}

// ---- Its state ----

const local = attempt(() => { localStorage.length; return localStorage; }) ?? memoryStorage();
const tab = attempt(() => { sessionStorage.length; return sessionStorage; }) ?? memoryStorage();
const unsaved = new Map(); // chats that the browser had no room for
const runs = new Map(); // from the id of a chat to its answer under way
const views = new WeakMap(); // from messages to what shows them
let settings = readSettings(local);
let chats = [];
let chat = newChat();
let model = null;
let editing = null;
let follows = true;
let retry = 0;

const headers = () => {
  const key = attempt(() => tab.getItem(KEY), null);
  return key ? { Authorization: `Bearer ${key}` } : {};
};

async function fetchFrom(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...options.headers, ...headers() } });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Failure('The server cannot be reached. Is it still running?');
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

const getJson = async path => (await fetchFrom(path)).json();

/** Asks the server what it serves; asks again while it loads. */
async function connect() {
  clearTimeout(retry);
  model = null;
  try {
    const [models, info, tokenizer] = await Promise.all(['v1/models', 'info', 'tokenizer_info'].map(getJson));
    const { id, max_model_len: context } = models.data[0];
    const defaults = info.defaults ?? {};
    model = { id, context, defaults, chats: Boolean(tokenizer.chat_template), version: info.version };
    showFailure(null);
    showModel();
    showCache();
  } catch (e) {
    showFailure(e, connect);
    if (e.status === 503) retry = setTimeout(connect, 1000 * Math.max(1, e.retryAfter));
  }
}

/** Whether it is known what the server serves; asks where it is not. */
async function isReady() {
  if (!model) await connect();
  return model !== null;
}

async function showCache() {
  try {
    $('cache').textContent = cacheOf(await (await fetchFrom('metrics')).text());
  } catch {
    $('cache').textContent = ''; // a server may keep its metrics to itself
  }
}

// ---- What it shows ----

function showModel() {
  $('model').textContent = model.id;
  document.title = `${model.id} – Crosshead`;
  $('mode').hidden = model.chats;
  const version = model.version ? ` Crosshead ${model.version.split('+')[0]}.` : '';
  $('server').textContent = `Model ${model.id}, context of ${tokens(model.context)}.${version}`;
  const shown = { temperature: model.defaults.temperature, 'top-p': model.defaults.top_p,
    'max-tokens': model.chats ? 'up to the context' : TEXT_TOKENS };
  for (const [id, value] of Object.entries(shown)) $(id).placeholder = value ?? '';
  $('max-tokens').max = model.context;
}

function showFailure(failure, again = null) {
  if (!failure) return void $('banner').replaceChildren();
  const { message, status, retryAfter } = failure;
  const text = capital(message) + (retryAfter > 0 ? ` (Try again in ${retryAfter} s.)` : '');
  if ($('banner').firstChild?.textContent === text) return; // said already
  const parts = [make('p', {}, text)];
  if (status === 401) parts.push(button('Enter the API key', () => openSettings('key')));
  else if (again) parts.push(button('Try again', () => { showFailure(null); again(); $('input').focus(); }));
  parts.push(button('Close', () => { showFailure(null); $('input').focus(); }));
  $('banner').replaceChildren(...parts);
}

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);

function showNotice(text) {
  const close = () => { showNotice(''); $('input').focus(); };
  if (text === '') $('notice').replaceChildren();
  else if ($('notice').firstChild?.textContent !== text) {
    $('notice').replaceChildren(make('p', {}, text), button('Close', close));
  }
}

function showChats() {
  const items = chats.includes(chat) || chat.messages.length > 0 ? chats : [chat, ...chats];
  $('chat-list').replaceChildren(...items.map(c => {
    const title = titleOf(c);
    const open = button(title, () => openChat(c), { class: 'open', title, 'aria-current': c === chat && 'true' });
    const names = { class: 'delete', title: 'Delete', 'aria-label': `Delete ${title}` };
    const remove = button('×', () => removeChat(c), names);
    return make('li', {}, open, ...(c.messages.length > 0 ? [remove] : []));
  }));
}

function showConversation() {
  if (editing) endEdit();
  const nodes = chat.messages.map(m => viewOf(m).element);
  if (nodes.length === 0) nodes.push(make('p', { class: 'empty' }, 'Nothing has been said yet.'));
  $('conversation').replaceChildren(...nodes);
  follows = true;
  showState();
}

/** Shows what depends on whether an answer is under way. */
function showState() {
  const busy = runs.has(chat.id);
  $('send').hidden = busy;
  $('stop').hidden = !busy;
  for (const message of chat.messages) viewOf(message).update();
  scroll();
}

// In a low window the whole page scrolls, otherwise the conversation alone.
const lowWindow = matchMedia('(max-height: 26rem)');
const scroller = () => (lowWindow.matches ? document.documentElement : $('conversation'));

function scroll() {
  if (follows) scroller().scrollTop = scroller().scrollHeight;
}

/** Whoever has scrolled back is left there; whoever is at the end stays at it. */
function takeScroll() {
  const box = scroller();
  follows = box.scrollHeight - box.scrollTop - box.clientHeight < 48;
}

function viewOf(message) {
  let view = views.get(message);
  if (!view) views.set(message, view = message.role === 'user' ? userView(message) : answerView(message));
  return view;
}

function frameOf(message, author, ...parts) {
  return make('article', { class: `message ${message.role}` }, make('h2', { class: 'author' }, author), ...parts);
}

function userView(message) {
  const body = make('div', { class: 'body' });
  const ask = button('Answer', () => answerLast());
  const actions = make('div', { class: 'actions' }, button('Edit', () => edit(message)), ask);
  return {
    element: frameOf(message, 'You', body, actions),
    body,
    actions,
    update() {
      if (editing === message) return;
      body.textContent = message.text;
      actions.hidden = runs.has(chat.id);
      ask.hidden = chat.messages[chat.messages.length - 1] !== message;
    },
  };
}

function answerView(message) {
  const [summary, thought] = [make('summary'), make('div')];
  const details = make('details', { class: 'thought' }, summary, thought);
  const body = make('div', { class: 'body' });
  const calls = make('div');
  const numbers = make('p', { class: 'numbers' });
  const again = button('Regenerate', () => regenerate());
  const further = button('Continue', () => continueAnswer());
  const actions = make('div', { class: 'actions' }, button('Copy', e => copy(message.text, e.currentTarget)),
    button('Edit', () => edit(message)), again, further);
  const element = frameOf(message, message.model ?? 'Model', details, body, calls, numbers, actions);
  const showText = markdownView(body);
  return {
    element,
    body,
    actions,
    update() {
      if (editing === message) return;
      const run = runs.get(chat.id);
      const writes = run?.message === message;
      const last = chat.messages[chat.messages.length - 1] === message;
      details.hidden = !message.thought;
      summary.textContent = writes && message.text === '' ? 'Thinking …' : 'Thoughts';
      thought.textContent = message.thought ?? '';
      showText(message.text);
      calls.replaceChildren(...(message.calls ?? []).filter(c => c).map(c =>
        codeNode({ language: `Tool call: ${c.name}`, text: c.arguments })));
      numbers.textContent = writes ? '' : numbersOf(message);
      numbers.hidden = numbers.textContent === '';
      element.setAttribute('aria-busy', String(writes));
      actions.hidden = run !== undefined;
      again.hidden = !last;
      further.hidden = !last || message.text === '' || message.end === 'stop' || Boolean(message.calls);
    },
  };
}

// ---- What it does ----

function keep(which) {
  which.changed = Date.now();
  const { kept, removed } = saveChat(local, which);
  if (kept) unsaved.delete(which.id);
  else unsaved.set(which.id, which);
  for (const old of removed) say(`The oldest chat was removed: ${titleOf(old)}`);
  if (!kept) showNotice('The browser has no room for this chat. It is lost when the page closes. Delete other chats.');
  else if (removed.length > 0) {
    showNotice(`Only ${MOST_CHATS} chats are kept. The oldest was removed: ${titleOf(removed[0])}`);
  }
  const gone = new Set(removed.map(c => c.id));
  chats = [which, ...chats.filter(c => c.id !== which.id && !gone.has(c.id))];
  showChats();
}

function openChat(which) {
  chat = which;
  showChats();
  showConversation();
  toggleChats(false);
  $('input').focus();
}

function removeChat(which) {
  if (!confirm(`Delete the chat “${titleOf(which)}”?`)) return;
  runs.get(which.id)?.controller.abort();
  deleteChat(local, which.id);
  unsaved.delete(which.id);
  chats = chats.filter(c => c !== which);
  for (const other of [...unsaved.values()]) keep(other); // there may be room now
  if (unsaved.size === 0) showNotice('');
  openChat(chat === which ? chats[0] ?? newChat() : chat);
}

function toggleChats(open) {
  document.body.classList.toggle('chats-open', open);
  $('chats-toggle').setAttribute('aria-expanded', String(open));
  // What the list covers cannot be reached.
  for (const part of document.querySelector('main').children) part.inert = open;
  if (open) $('chat-list').querySelector('button')?.focus();
}

function openSettings(field) {
  for (const [name, id] of Object.entries(SETTING_FIELDS)) $(id).value = settings[name];
  $('key').value = attempt(() => tab.getItem(KEY), null) ?? '';
  $('settings').showModal();
  $(field).focus();
}

const SETTING_FIELDS =
  { system: 'system', temperature: 'temperature', topP: 'top-p', maxTokens: 'max-tokens', seed: 'seed' };

function takeSettings() {
  for (const [name, id] of Object.entries(SETTING_FIELDS)) settings[name] = $(id).value;
  if (!saveSettings(local, settings)) showNotice('The browser has no room for the settings. This page keeps them.');
  const [before, after] = [attempt(() => tab.getItem(KEY), null) ?? '', $('key').value.trim()];
  attempt(() => (after === '' ? tab.removeItem(KEY) : tab.setItem(KEY, after)));
  $('settings').close();
  if (before !== after || !model) connect();
}

async function send() {
  const text = $('input').value;
  if (text.trim() === '' || runs.has(chat.id)) return;
  if (!await isReady() || runs.has(chat.id)) return;
  $('input').value = '';
  chat.messages.push({ role: 'user', text });
  keep(chat);
  answer(chat);
}

/** Asks for an answer to a chat whose last message is the user's. */
function answer(which, before = null) {
  const message = { role: 'assistant', text: '', model: model.id };
  const request = requestOf(which.messages, settings, model, false);
  which.messages.push(message);
  return run(which, message, request, before);
}

async function regenerate() {
  if (!await isReady() || runs.has(chat.id)) return;
  const before = chat.messages.pop();
  answer(chat, before);
}

/** Lets the model go on where its last message ends. */
async function continueAnswer() {
  if (!await isReady() || runs.has(chat.id)) return;
  const message = chat.messages[chat.messages.length - 1];
  delete message.usage;
  delete message.end;
  run(chat, message, requestOf(chat.messages, settings, model, true));
}

/** Asks for an answer to a message that has none. */
async function answerLast() {
  if (!await isReady() || runs.has(chat.id)) return;
  if (chat.messages[chat.messages.length - 1]?.role === 'user') answer(chat);
}

const isEmpty = message => message.text === '' && !message.thought && !message.calls;

async function run(which, message, [path, body], before = null) {
  const controller = new AbortController();
  const began = performance.now();
  const state = { controller, message, heard: began, saved: began, painted: false };
  let time = null;
  runs.set(which.id, state);
  showFailure(null);
  showConversation();
  say('The model answers.');
  const watch = setInterval(() => watchStall(state), 1000);
  try {
    const response = await fetchFrom(path, { method: 'POST', signal: controller.signal, body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' } });
    for await (const chunk of chunksOf(response.body, () => { state.heard = performance.now(); })) {
      if (!takeChunk(message, chunk)) continue;
      const now = performance.now() - began;
      time = { first: time?.first ?? now, last: now };
      paint(which, state);
    }
    if (!message.end) throw new Failure('The connection ended before the answer was whole.');
  } catch (e) {
    message.end = controller.signal.aborted ? 'stopped' : 'broken';
    if (!controller.signal.aborted) {
      const failure = e instanceof Failure ? e : new Failure('The connection broke before the answer was whole.');
      showFailure(failure, isEmpty(message) && !before ? answerLast : null);
      // Another server may answer next time, with another model.
      if ([0, 404, 503].includes(failure.status)) model = null;
    }
  } finally {
    clearInterval(watch);
    if (state.stalled) showNotice('');
    runs.delete(which.id);
    if (time) message.time = time;
    finish(which, message, before);
  }
}

function finish(which, message, before) {
  const at = which.messages.indexOf(message);
  // Nothing came: what was there before stays.
  if (isEmpty(message) && at >= 0) which.messages.splice(at, 1, ...(before ? [before] : []));
  if (chats.includes(which)) keep(which);
  say(message.end === 'stopped' ? 'Stopped.' : spoken(message));
  if (which === chat) (isEmpty(message) ? showConversation : showState)();
  showCache();
}

// A screen reader hears the answer once, when it is whole.
function spoken(message) {
  const { update, body } = viewOf(message);
  update();
  const text = body.textContent;
  return text.length <= MOST_SPOKEN ? `Answer: ${text}` : `Answer: ${text.slice(0, MOST_SPOKEN)} … and more.`;
}

/** Shows the message anew at the next frame, and stores it now and then. */
function paint(which, state) {
  if (which === chat && !state.painted) {
    state.painted = true;
    requestAnimationFrame(() => {
      state.painted = false;
      if (which !== chat) return;
      viewOf(state.message).update();
      scroll();
    });
  }
  if (performance.now() - state.saved < SAVE_EVERY || !chats.includes(which)) return;
  state.saved = performance.now();
  saveChat(local, which);
}

function watchStall(state) {
  const silent = performance.now() - state.heard > STALL;
  if (silent) showNotice('The server has sent nothing for a while. Wait, or stop the answer.');
  else if (state.stalled) showNotice('');
  state.stalled = silent;
}

/** Puts an editor in the place of a message. */
function edit(message) {
  if (editing) endEdit();
  editing = message;
  const { body, actions } = viewOf(message);
  const area = make('textarea', { 'aria-label': 'Edit the message' });
  area.value = message.text;
  const mine = message.role === 'user';
  const main = make('button', { type: 'submit', class: 'main' }, mine ? 'Send' : 'Save and continue');
  const others = [button('Cancel', cancelEdit)];
  if (!mine) others.unshift(button('Save', () => takeEdit(message, area.value, false)));
  const form = make('form', { class: 'editor' }, area, make('div', { class: 'row' }, main, ...others));
  form.addEventListener('submit', e => { e.preventDefault(); takeEdit(message, area.value, true); });
  area.addEventListener('keydown', e => submitOnEnter(e, form));
  form.addEventListener('keydown', e => { if (e.key === 'Escape') { e.stopPropagation(); cancelEdit(); } });
  body.hidden = actions.hidden = true;
  body.after(form);
  area.focus();
}

function endEdit() {
  const message = editing;
  const { element, body, actions, update } = viewOf(message);
  editing = null;
  element.querySelector('.editor')?.remove();
  body.hidden = actions.hidden = false;
  update();
  return message;
}

function cancelEdit() {
  const message = endEdit();
  [...viewOf(message).actions.querySelectorAll('button')].find(b => b.textContent === 'Edit')?.focus();
}

/** Takes the edited text. To go on from there forgets what came after it. */
async function takeEdit(message, text, goesOn) {
  if (text.trim() === '' || goesOn && !await isReady() || runs.has(chat.id) || editing !== message) return;
  message.text = text;
  delete message.usage;
  delete message.time;
  endEdit();
  if (goesOn) chat.messages.splice(chat.messages.indexOf(message) + 1);
  keep(chat);
  if (goesOn) (message.role === 'user' ? answer(chat) : continueAnswer());
  $('input').focus();
}

function submitOnEnter(event, form) {
  // While a word is being composed, Enter belongs to the keyboard.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
}

function stop() {
  runs.get(chat.id)?.controller.abort();
  $('input').focus();
}

/** Takes over what another tab has stored. */
function takeFromOtherTab(event) {
  if (event.key === SETTINGS) settings = readSettings(local);
  if (event.key !== null && !event.key.startsWith(CHAT)) return;
  // What is being written here stays as it is here.
  const busy = c => runs.has(c.id) || editing && c.id === chat.id;
  const stored = readChats(local).map(c => (busy(c) ? [...chats, chat].find(mine => mine.id === c.id) ?? c : c));
  chats = [...[...unsaved.values()].filter(c => !stored.some(s => s.id === c.id)), ...stored];
  const same = chats.find(c => c.id === chat.id);
  if (same && same !== chat) {
    chat = same;
    showConversation();
  }
  showChats();
}

function start() {
  chats = readChats(local);
  chat = chats[0] ?? chat;
  $('composer').addEventListener('submit', e => { e.preventDefault(); send(); $('input').focus(); });
  $('input').addEventListener('keydown', e => submitOnEnter(e, $('composer')));
  $('stop').addEventListener('click', stop);
  $('new-chat').addEventListener('click', () => openChat(newChat()));
  $('chats-toggle').addEventListener('click', () => toggleChats(!document.body.classList.contains('chats-open')));
  $('settings-open').addEventListener('click', () => openSettings('system'));
  $('settings-form').addEventListener('submit', e => { e.preventDefault(); takeSettings(); });
  $('settings-cancel').addEventListener('click', () => $('settings').close());
  $('settings-clear').addEventListener('click', () => {
    for (const id of Object.values(SETTING_FIELDS)) $(id).value = '';
    $('system').focus();
  });
  $('settings').addEventListener('close', () => $('settings-open').focus());
  for (const target of [$('conversation'), document]) target.addEventListener('scroll', takeScroll, { passive: true });
  document.addEventListener('keydown', e => {
    if (e.key !== 'Escape' || $('settings').open) return;
    if (document.body.classList.contains('chats-open')) {
      toggleChats(false);
      $('chats-toggle').focus();
    } else if (runs.has(chat.id)) stop();
  });
  matchMedia('(max-width: 50rem)').addEventListener('change', () => toggleChats(false));
  addEventListener('storage', takeFromOtherTab);
  addEventListener('pagehide', () => { for (const c of chats) if (runs.has(c.id)) saveChat(local, c); });
  showChats();
  showConversation();
  connect();
  $('input').focus();
}

start();
