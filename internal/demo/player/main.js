// The page: one play after the other, each with a token of its own.

import { play } from './players.js';
import { classOf, nameOf, sourceOf } from './response.js';
import { timingOf } from './timing.js';
import { PlayView, say, showStreams } from './view.js';

const $ = (id) => document.getElementById(id);
const video = $('video');

let plays = 0;
let chosen = new URLSearchParams(location.search).get('stream') ?? 'hls-fmp4';
let end = () => {};

/** Signed URLs with a new token: the browser's own cache cannot have them. */
async function newSession() {
  const response = await fetch('session.json');
  if (!response.ok) throw new Error(`no session: status ${response.status}`);
  return response.json();
}

/** Ends the play that is on. Players are ended once: dash.js would reset a video that is no longer its own. */
function stop() {
  const quit = end;
  end = () => {};
  quit();
}

async function start(session) {
  const number = ++plays;
  stop();
  session ??= await newSession();
  const stream = session.streams.find((s) => s.id === chosen);
  const view = new PlayView(number, stream.name);
  const report = async (url, cacheStatus) => {
    const name = nameOf(url);
    const { firstByte, size } = await timingOf(url);
    if (number === plays) view.add({ name, kind: classOf(name), source: sourceOf(cacheStatus), firstByte, size });
  };
  const quit = await play(video, stream, report, (text) => number === plays && say(text, true));
  if (number !== plays) return quit(); // another play was started meanwhile
  end = quit;
  await video.play();
}

/** Starts a play, and says so when it cannot be done. */
async function begin(session) {
  say('');
  try {
    await start(session);
  } catch (e) {
    if (e.name === 'NotAllowedError') say('Press play: this browser does not start videos by itself.');
    else if (e.name !== 'AbortError') say(e.message, true);
  }
}

async function restart() {
  $('restart').disabled = true;
  say('Restarting the edge …');
  stop();
  try {
    const response = await fetch('restart', { method: 'POST', headers: { 'X-Requested-With': 'edged-demo' } });
    if (!response.ok) throw new Error(await response.text());
    await begin();
    say('The edge was restarted: its RAM is empty, its disk is not.');
  } catch (e) {
    say(e.message, true);
  } finally {
    $('restart').disabled = false;
  }
}

async function main() {
  const session = await newSession();
  if (!session.streams.some((s) => s.id === chosen)) chosen = session.streams[0].id;
  $('status-link').hidden = !session.status;
  $('status-link').href = session.status;
  $('restart').hidden = !session.canRestart;
  showStreams(session.streams, chosen, (id) => { chosen = id; begin(); });
  $('again').addEventListener('click', () => begin());
  $('restart').addEventListener('click', restart);
  video.addEventListener('ended', () => say('The end. Play it again: now it is all in RAM.'));
  await begin(session);
}

main().catch((e) => say(e.message, true));
