// The list of chats.

import { showNotice } from './banners.js';
import { $, button, make, say } from './elements.js';
import { showConversation } from './messages.js';
import { local, runs, session, unsaved } from './session.js';
import {
  CHAT, deleteChat, MOST_CHATS, newChat, readChats, readSettings, saveChat, SETTINGS, titleOf,
} from './storage.js';

/** Shows the list anew. */
export function showChats() {
  const { chat, chats } = session;
  const items = chats.includes(chat) || chat.messages.length > 0 ? chats : [chat, ...chats];
  $('chat-list').replaceChildren(...items.map(c => {
    const title = titleOf(c);
    const open = button(title, () => openChat(c), { class: 'open', title, 'aria-current': c === chat && 'true' });
    const names = { class: 'delete', title: 'Delete', 'aria-label': `Delete ${title}` };
    const remove = button('×', () => removeChat(c), names);
    return make('li', {}, open, ...(c.messages.length > 0 ? [remove] : []));
  }));
}

/** Stores a chat, and says what was lost. */
export function keep(which) {
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
  session.chats = [which, ...session.chats.filter(c => c.id !== which.id && !gone.has(c.id))];
  showChats();
}

/** Shows a chat. */
export function openChat(which) {
  session.chat = which;
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
  session.chats = session.chats.filter(c => c !== which);
  for (const other of [...unsaved.values()]) keep(other); // there may be room now
  if (unsaved.size === 0) showNotice('');
  openChat(session.chat === which ? session.chats[0] ?? newChat() : session.chat);
}

/** Opens or closes the list in a narrow window. */
export function toggleChats(open) {
  document.body.classList.toggle('chats-open', open);
  $('chats-toggle').setAttribute('aria-expanded', String(open));
  // What the list covers cannot be reached.
  for (const part of document.querySelector('main').children) part.inert = open;
  if (open) $('chat-list').querySelector('button')?.focus();
}

/** Takes over what another tab has stored. */
export function takeFromOtherTab(event) {
  if (event.key === SETTINGS) session.settings = readSettings(local);
  if (event.key !== null && !event.key.startsWith(CHAT)) return;
  // What is being written here stays as it is here.
  const busy = c => runs.has(c.id) || session.editing && c.id === session.chat.id;
  const mine = [...session.chats, session.chat];
  const stored = readChats(local).map(c => (busy(c) ? mine.find(m => m.id === c.id) ?? c : c));
  session.chats = [...[...unsaved.values()].filter(c => !stored.some(s => s.id === c.id)), ...stored];
  const same = session.chats.find(c => c.id === session.chat.id);
  if (same && same !== session.chat) {
    session.chat = same;
    showConversation();
  }
  showChats();
}
