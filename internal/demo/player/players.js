// hls.js and dash.js behind one function. Buffers are short, so that requests come
// while the picture moves and can be watched.

const bufferSeconds = 4;

/**
 * Plays a stream in a video element. report(url, cacheStatus) is called for each
 * response, fail(text) when playback cannot go on. Returns a function that ends it.
 */
export async function play(video, stream, report, fail) {
  return stream.kind === 'dash' ? playDASH(video, stream, report, fail) : playHLS(video, stream, report, fail);
}

async function playHLS(video, stream, report, fail) {
  const { default: Hls } = await import('./vendor/hls.min.js');
  if (!Hls.isSupported()) throw new Error('This browser has no Media Source Extensions.');
  const hls = new Hls({
    loader: watchedLoader(Hls.DefaultConfig.loader, report),
    enableWorker: false,
    maxBufferLength: bufferSeconds,
    maxMaxBufferLength: bufferSeconds,
    abrEwmaDefaultEstimate: 5e6,
  });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (data.fatal) fail(`hls.js: ${data.details}`);
  });
  hls.loadSource(stream.url);
  hls.attachMedia(video);
  return () => hls.destroy();
}

/** A loader of hls.js that also reports what arrives. */
function watchedLoader(Loader, report) {
  return class extends Loader {
    load(context, config, callbacks) {
      const onSuccess = (response, stats, ctx, xhr) => {
        report(xhr.responseURL, xhr.getResponseHeader('Cache-Status'));
        callbacks.onSuccess(response, stats, ctx, xhr);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}

async function playDASH(video, stream, report, fail) {
  const { MediaPlayer } = await import('./vendor/dash.min.js');
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      buffer: {
        bufferTimeDefault: bufferSeconds,
        bufferTimeAtTopQuality: bufferSeconds,
        bufferTimeAtTopQualityLongForm: bufferSeconds,
      },
      abr: { initialBitrate: { video: 1000 } },
    },
  });
  player.addResponseInterceptor(async (response) => {
    report(response.url ?? response.request.url, response.headers?.['cache-status']);
    return response;
  });
  player.on('error', (e) => fail(`dash.js: ${e.error?.message ?? e.error}`));
  player.initialize(video, stream.url, false);
  return () => player.destroy();
}
