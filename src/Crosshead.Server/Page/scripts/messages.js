// The messages of the conversation.

import { answerLast, continueAnswer, regenerate } from './answers.js';
import { edit, endEdit } from './editor.js';
import { $, button, codeNode, copy, make } from './elements.js';
import { numbersOf } from './numbers.js';
import { markdownView } from './rendering.js';
import { runs, session } from './session.js';

const views = new WeakMap(); // from messages to what shows them

/** Shows all messages of the chat. */
export function showConversation() {
  if (session.editing) endEdit();
  const nodes = session.chat.messages.map(m => viewOf(m).element);
  if (nodes.length === 0) nodes.push(make('p', { class: 'empty' }, 'Nothing has been said yet.'));
  $('conversation').replaceChildren(...nodes);
  session.follows = true;
  showState();
}

/** Shows what depends on whether an answer is under way. */
export function showState() {
  const busy = runs.has(session.chat.id);
  $('send').hidden = busy;
  $('stop').hidden = !busy;
  for (const message of session.chat.messages) viewOf(message).update();
  scroll();
}

// In a low window the whole page scrolls, otherwise the conversation alone.
const lowWindow = matchMedia('(max-height: 26rem)');

const scroller = () => (lowWindow.matches ? document.documentElement : $('conversation'));

/** Goes to the end, where the reader is at the end. */
export function scroll() {
  if (session.follows) scroller().scrollTop = scroller().scrollHeight;
}

/** Whoever has scrolled back is left there; whoever is at the end stays at it. */
export function takeScroll() {
  const box = scroller();
  session.follows = box.scrollHeight - box.scrollTop - box.clientHeight < 48;
}

/** What shows a message. */
export function viewOf(message) {
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
      if (session.editing === message) return;
      body.textContent = message.text;
      actions.hidden = runs.has(session.chat.id);
      ask.hidden = session.chat.messages[session.chat.messages.length - 1] !== message;
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
      if (session.editing === message) return;
      const run = runs.get(session.chat.id);
      const writes = run?.message === message;
      const last = session.chat.messages[session.chat.messages.length - 1] === message;
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
