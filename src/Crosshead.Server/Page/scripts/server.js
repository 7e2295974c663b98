// The server, and what it serves.

import { showFailure } from './banners.js';
import { $ } from './elements.js';
import { cacheOf, tokens } from './numbers.js';
import { TEXT_TOKENS } from './requests.js';
import { session, tab } from './session.js';
import { attempt, KEY } from './storage.js';
import { Failure, failureOf } from './streams.js';

let retry = 0;

const headers = () => {
  const key = attempt(() => tab.getItem(KEY), null);
  return key ? { Authorization: `Bearer ${key}` } : {};
};

/** An answer of the server, with the key if there is one; a refusal is thrown. */
export async function fetchFrom(path, options = {}) {
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
export async function connect() {
  clearTimeout(retry);
  session.model = null;
  try {
    const [models, info, tokenizer] = await Promise.all(['v1/models', 'info', 'tokenizer_info'].map(getJson));
    const { id, max_model_len: context } = models.data[0];
    const defaults = info.defaults ?? {};
    session.model = { id, context, defaults, chats: Boolean(tokenizer.chat_template), version: info.version };
    showFailure(null);
    showModel();
    showCache();
  } catch (e) {
    showFailure(e, connect);
    if (e.status === 503) retry = setTimeout(connect, 1000 * Math.max(1, e.retryAfter));
  }
}

/** Whether it is known what the server serves; asks where it is not. */
export async function isReady() {
  if (!session.model) await connect();
  return session.model !== null;
}

/** Shows how full the server's cache is. */
export async function showCache() {
  try {
    $('cache').textContent = cacheOf(await (await fetchFrom('metrics')).text());
  } catch {
    $('cache').textContent = ''; // a server may keep its metrics to itself
  }
}

function showModel() {
  $('model').textContent = session.model.id;
  document.title = `${session.model.id} – Crosshead`;
  $('mode').hidden = session.model.chats;
  const version = session.model.version ? ` Crosshead ${session.model.version.split('+')[0]}.` : '';
  $('server').textContent = `Model ${session.model.id}, context of ${tokens(session.model.context)}.${version}`;
  const shown = { temperature: session.model.defaults.temperature, 'top-p': session.model.defaults.top_p,
    'max-tokens': session.model.chats ? 'up to the context' : TEXT_TOKENS };
  for (const [id, value] of Object.entries(shown)) $(id).placeholder = value ?? '';
  $('max-tokens').max = session.model.context;
}
