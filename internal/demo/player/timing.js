// The browser's own measurement of a request (Resource Timing).

const entries = new Map(); // newest entry by URL
const waiting = new Map(); // resolvers by URL, for responses that came before their entry

performance.setResourceTimingBufferSize(2000);
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    entries.set(entry.name, entry);
    waiting.get(entry.name)?.(entry);
    waiting.delete(entry.name);
  }
}).observe({ type: 'resource', buffered: true });

/** How long an entry may be late. */
const patience = 5000;

/** The time to first byte in ms and the size in bytes; undefined where the browser does not tell. */
export async function timingOf(url) {
  const entry = entries.get(url) ?? await new Promise((resolve) => {
    waiting.set(url, resolve);
    setTimeout(resolve, patience);
  });
  if (!entry?.responseStart) return {};
  return { firstByte: entry.responseStart - entry.requestStart, size: entry.encodedBodySize };
}
