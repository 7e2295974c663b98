// What the parts of the page share.

import { attempt, memoryStorage, newChat, readSettings } from './storage.js';

/** Storage that all tabs have in common. */
export const local = attempt(() => { localStorage.length; return localStorage; }) ?? memoryStorage();

/** Storage of this tab alone. */
export const tab = attempt(() => { sessionStorage.length; return sessionStorage; }) ?? memoryStorage();

/** Chats that the browser had no room for. */
export const unsaved = new Map();

/** From the id of a chat to its answer under way. */
export const runs = new Map();

/** What the page shows, and of what. */
export const session = {
  settings: readSettings(local),
  chats: [],
  chat: newChat(),
  model: null,
  editing: null, // the message in an editor
  follows: true, // whether the conversation stays at its end
};
