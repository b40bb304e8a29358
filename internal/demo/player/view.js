// What the page shows of requests: tiles, chart and table.

import { formatSize, formatTime, median } from './response.js';

const words = { ram: 'RAM', disk: 'Disk', origin: 'Origin', other: 'Unknown' };
const $ = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

/** Shows the requests of one play, below the title given to it. */
export class PlayView {
  #requests = [];
  #body;

  constructor(number, title) {
    this.#body = element('tbody');
    this.#body.dataset.play = number;
    this.#body.append(element('tr', {}, element('th', { colSpan: 5, scope: 'rowgroup', textContent: `Play ${number}: ${title}` })));
    $('requests').tHead.after(this.#body);
    if (number > 1) $('chart').append(element('hr'));
    this.#showTotals();
  }

  /** Adds a request: { name, kind, source, firstByte, size }. */
  add(request) {
    this.#requests.push(request);
    this.#body.firstChild.after(this.#row(request));
    this.#bar(request);
    this.#showTotals();
  }

  #row({ name, kind, source, firstByte, size }) {
    const row = element('tr', { className: 'new' },
      element('td', { textContent: name, title: name }),
      element('td', { className: 'class', textContent: kind }),
      element('td', {}, element('span', { className: 'badge', textContent: words[source] })),
      element('td', { className: 'number', textContent: formatTime(firstByte) }),
      element('td', { className: 'number', textContent: formatSize(size) }));
    row.dataset.source = source;
    return row;
  }

  #bar({ source, firstByte = 0 }) {
    const bar = element('i');
    bar.dataset.source = source;
    bar.style.setProperty('--h', `${Math.min(100, 6 + 94 * Math.log1p(firstByte) / Math.log1p(120))}%`);
    $('chart').append(bar);
  }

  #showTotals() {
    for (const tile of $('tiles').children) {
      const mine = this.#requests.filter((r) => r.source === tile.dataset.source);
      const bytes = mine.reduce((sum, r) => sum + (r.size ?? 0), 0);
      const middle = median(mine.map((r) => r.firstByte).filter((t) => t !== undefined));
      tile.querySelector('.count').textContent = mine.length;
      tile.querySelector('.more').textContent = mine.length ? `${formatSize(bytes)}\n${formatTime(middle)} median` : '–\n ';
    }
  }
}

/** Fills the choice of streams; choose(id) is called when one is picked. */
export function showStreams(streams, chosen, choose) {
  for (const { id, name } of streams) {
    const input = element('input', { type: 'radio', name: 'stream', value: id, checked: id === chosen });
    input.addEventListener('change', () => choose(id));
    $('streams').append(element('label', {}, input, element('span', { textContent: name })));
  }
}

/** Says something below the picture. */
export function say(text, isError = false) {
  $('message').textContent = text;
  $('message').classList.toggle('error', isError);
}
