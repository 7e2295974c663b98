// The numbers of answers, and of the server.

const SHORTEST = 20; // milliseconds from which on a speed means something

const count = n => n.toLocaleString('en-US');

/** A number of tokens in words. */
export const tokens = n => `${count(n)} ${n === 1 ? 'token' : 'tokens'}`;

const ENDS = {
  length: 'ended at the limit of tokens',
  stopped: 'stopped',
  broken: 'broke off',
};

/** What is known of an answer: tokens, speed, use of the cache, and how it ended. */
export function numbersOf(message) {
  const parts = [];
  const { usage, time } = message;
  if (usage) parts.push(tokens(usage.answer));
  if (usage && time && usage.answer > 1 && time.last - time.first >= SHORTEST) {
    parts.push(`${((usage.answer - 1) / (time.last - time.first) * 1000).toFixed(1)} tokens/s`);
  }
  if (time) parts.push(`first token after ${(time.first / 1000).toFixed(2)} s`);
  if (usage) parts.push(`${count(usage.cached)} of ${tokens(usage.prompt)} of the prompt from the cache`);
  if (ENDS[message.end]) parts.push(ENDS[message.end]);
  return parts.join(' · ');
}

/** The value of a metric in Prometheus' text, whatever its prefix; null if it is not there. */
export function metric(text, name) {
  for (const line of text.split('\n')) {
    const match = /^(?:\w+:)?(\w+)(?:\{.*\})? ([^ ]+)/.exec(line);
    if (match && match[1] === name && Number.isFinite(Number(match[2]))) return Number(match[2]);
  }
  return null;
}

/** What is known of the server's cache. */
export function cacheOf(text) {
  const [used, asked, found] = ['kv_cache_usage_perc', 'prefix_cache_queries_total', 'prefix_cache_hits_total']
    .map(name => metric(text, name));
  const parts = [];
  if (used !== null) parts.push(`${(used * 100).toFixed(0)} % of the cache in use`);
  if (asked > 0 && found !== null) parts.push(`${(found / asked * 100).toFixed(0)} % of all prompt tokens found in it`);
  return parts.join(' · ');
}
