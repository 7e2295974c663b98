// Questions and their answers.

import { showFailure, showNotice } from './banners.js';
import { keep } from './chats.js';
import { $, say } from './elements.js';
import { scroll, showConversation, showState, viewOf } from './messages.js';
import { requestOf } from './requests.js';
import { fetchFrom, isReady, showCache } from './server.js';
import { local, runs, session } from './session.js';
import { saveChat } from './storage.js';
import { chunksOf, Failure, takeChunk } from './streams.js';

const STALL = 45_000; // milliseconds; the server sends a sign of life every 15 s
const SAVE_EVERY = 2_000;
const MOST_SPOKEN = 1_000; // characters

/** Sends what stands in the message box. */
export async function send() {
  const text = $('input').value;
  if (text.trim() === '' || runs.has(session.chat.id)) return;
  if (!await isReady() || runs.has(session.chat.id)) return;
  $('input').value = '';
  session.chat.messages.push({ role: 'user', text });
  keep(session.chat);
  answer(session.chat);
}

/** Asks for an answer to a chat whose last message is the user's. */
export function answer(which, before = null) {
  const message = { role: 'assistant', text: '', model: session.model.id };
  const request = requestOf(which.messages, session.settings, session.model, false);
  which.messages.push(message);
  return run(which, message, request, before);
}

/** Asks for the last answer anew. */
export async function regenerate() {
  if (!await isReady() || runs.has(session.chat.id)) return;
  const before = session.chat.messages.pop();
  answer(session.chat, before);
}

/** Lets the model go on where its last message ends. */
export async function continueAnswer() {
  if (!await isReady() || runs.has(session.chat.id)) return;
  const message = session.chat.messages[session.chat.messages.length - 1];
  delete message.usage;
  delete message.end;
  run(session.chat, message, requestOf(session.chat.messages, session.settings, session.model, true));
}

/** Asks for an answer to a message that has none. */
export async function answerLast() {
  if (!await isReady() || runs.has(session.chat.id)) return;
  if (session.chat.messages[session.chat.messages.length - 1]?.role === 'user') answer(session.chat);
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
      if ([0, 404, 503].includes(failure.status)) session.model = null;
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
  if (session.chats.includes(which)) keep(which);
  say(message.end === 'stopped' ? 'Stopped.' : spoken(message));
  if (which === session.chat) (isEmpty(message) ? showConversation : showState)();
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
  if (which === session.chat && !state.painted) {
    state.painted = true;
    requestAnimationFrame(() => {
      state.painted = false;
      if (which !== session.chat) return;
      viewOf(state.message).update();
      scroll();
    });
  }
  if (performance.now() - state.saved < SAVE_EVERY || !session.chats.includes(which)) return;
  state.saved = performance.now();
  saveChat(local, which);
}

function watchStall(state) {
  const silent = performance.now() - state.heard > STALL;
  if (silent) showNotice('The server has sent nothing for a while. Wait, or stop the answer.');
  else if (state.stalled) showNotice('');
  state.stalled = silent;
}

/** Stops the answer of the chat. */
export function stop() {
  runs.get(session.chat.id)?.controller.abort();
  $('input').focus();
}
