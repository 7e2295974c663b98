// Starts the chat page; its parts are in the folder scripts.

import { send, stop } from './scripts/answers.js';
import { openChat, showChats, takeFromOtherTab, toggleChats } from './scripts/chats.js';
import { submitOnEnter } from './scripts/editor.js';
import { $ } from './scripts/elements.js';
import { showConversation, takeScroll } from './scripts/messages.js';
import { connect } from './scripts/server.js';
import { local, runs, session } from './scripts/session.js';
import { openSettings, SETTING_FIELDS, takeSettings } from './scripts/settings.js';
import { newChat, readChats, saveChat } from './scripts/storage.js';

function start() {
  session.chats = readChats(local);
  session.chat = session.chats[0] ?? session.chat;
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
    } else if (runs.has(session.chat.id)) stop();
  });
  matchMedia('(max-width: 50rem)').addEventListener('change', () => toggleChats(false));
  addEventListener('storage', takeFromOtherTab);
  addEventListener('pagehide', () => { for (const c of session.chats) if (runs.has(c.id)) saveChat(local, c); });
  showChats();
  showConversation();
  connect();
  $('input').focus();
}

start();
