// The requests for answers.

/** Tokens of an answer of a model that continues texts: the server's own default is 16. */
export const TEXT_TOKENS = 256;

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
