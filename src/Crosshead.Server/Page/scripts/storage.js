// What the browser keeps.

/** What the names of stored chats begin with. */
export const CHAT = 'crosshead.chat.';

/** The name of the stored settings. */
export const SETTINGS = 'crosshead.settings';

/** The name of the stored key. */
export const KEY = 'crosshead.key';

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

/** What an action returns, or something else if it fails. */
export function attempt(action, otherwise) {
  try {
    return action();
  } catch {
    return otherwise;
  }
}
