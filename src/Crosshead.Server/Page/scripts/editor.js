// The editor in the place of a message.

import { answer, continueAnswer } from './answers.js';
import { keep } from './chats.js';
import { $, button, make } from './elements.js';
import { viewOf } from './messages.js';
import { isReady } from './server.js';
import { runs, session } from './session.js';

/** Puts an editor in the place of a message. */
export function edit(message) {
  if (session.editing) endEdit();
  session.editing = message;
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

/** Closes the editor, and returns its message. */
export function endEdit() {
  const message = session.editing;
  const { element, body, actions, update } = viewOf(message);
  session.editing = null;
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
  if (text.trim() === '' || goesOn && !await isReady()) return;
  if (runs.has(session.chat.id) || session.editing !== message) return;
  message.text = text;
  delete message.usage;
  delete message.time;
  endEdit();
  if (goesOn) session.chat.messages.splice(session.chat.messages.indexOf(message) + 1);
  keep(session.chat);
  if (goesOn) (message.role === 'user' ? answer(session.chat) : continueAnswer());
  $('input').focus();
}

/** Submits a form on Enter without Shift. */
export function submitOnEnter(event, form) {
  // While a word is being composed, Enter belongs to the keyboard.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
}
