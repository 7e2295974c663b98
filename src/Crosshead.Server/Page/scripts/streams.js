// The streams of answers.

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
