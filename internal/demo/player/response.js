// What a response says about itself. Pure functions.

/** Where the edge says that it took the bytes from: ram, disk, origin, or other. */
export function sourceOf(cacheStatus) {
  const [cache, ...parameters] = (cacheStatus ?? '').split(';').map((s) => s.trim());
  if (cache !== 'edged') return 'other';
  const detail = parameters.find((p) => p.startsWith('detail='))?.slice('detail='.length);
  if (detail === 'ram' || detail === 'disk' || detail === 'origin') return detail;
  if (parameters.some((p) => p.startsWith('fwd='))) return 'origin';
  return parameters.includes('hit') ? 'ram' : 'other';
}

/** What an object is to the player, by its name. */
export function classOf(name) {
  if (/\.(m3u8|mpd)$/.test(name)) return 'manifest';
  return /^init/.test(name) ? 'init' : 'segment';
}

/** The file name of a URL. */
export function nameOf(url) {
  return new URL(url).pathname.split('/').pop();
}

/** The middle of some numbers; undefined of none. */
export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

export function formatTime(ms) {
  if (ms === undefined) return '–';
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

export function formatSize(bytes) {
  if (bytes === undefined) return '–';
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
