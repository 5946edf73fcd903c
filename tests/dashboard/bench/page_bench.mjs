// How fast the page is in Chromium: time to load with its data, and frames per second while windows arrive. Prints
// figures, judges nothing. The feed is synthetic: the fake daemon of the browser tests.
//   node tests/dashboard/bench/page_bench.mjs [RUNS] [WINDOWS]

import { browserMissing, launch, openPage } from '../browser/chromium.mjs';
import { FakeDaemon } from '../browser/fake_daemon.mjs';
import { FakeStream } from '../browser/fake_data.mjs';
import { VIEW_READY } from '../browser/view_ready.mjs';

const [RUNS = 8, WINDOWS = 1000] = process.argv.slice(2).map(Number);
const LOADS = 5;
const FEED_MS = 250;
const WATCH_MS = 8000;
const VIEWS = ['overview', 'live', 'requests', 'compare', 'vllm', 'experts'];

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const fixed = (value, digits = 0) => value.toFixed(digits);

/** Milliseconds from the start of the navigation until the view has drawn its data. */
async function load(browser, url, view) {
  const page = await openPage(browser, 'about:blank');
  await page.addInitScript((selector) => {
    const watch = () => {
      if (document.querySelector(selector) === null) requestAnimationFrame(watch);
      else requestAnimationFrame(() => { window.shownAt = performance.now(); });
    };
    watch();
  }, VIEW_READY[view]);
  await page.goto(`${url}/#/${view}`);
  await page.waitForFunction(() => window.shownAt !== undefined);
  const shown = await page.evaluate(() => window.shownAt);
  await page.close();
  return shown;
}

/** Distances of frames and the time of long tasks while the feed goes on and the pointer moves over the page. */
async function watchFrames(browser, daemon, view) {
  const page = await openPage(browser, `${daemon.url}/#/${view}`);
  await page.locator(VIEW_READY[view]).first().waitFor();
  await page.evaluate(() => {
    window.frames_ = [];
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
      .observe({ type: 'longtask' });
    let last = performance.now();
    const frame = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
  });
  const feed = setInterval(() => daemon.advance(), FEED_MS);
  const until = Date.now() + WATCH_MS;
  for (let step = 0; Date.now() < until; step += 1) await page.mouse.move(300 + (step * 7) % 700, 330 + (step % 40));
  clearInterval(feed);
  const result = await page.evaluate(() => ({ frames: window.frames_.slice(1), tasks: window.tasks }));
  await page.close();
  return result;
}

const missing = browserMissing();
if (missing !== null) {
  console.error(missing);
  process.exit(2);
}
const browser = await launch();
const daemon = await new FakeDaemon().listen();
daemon.streams = [new FakeStream('bench', RUNS)];
daemon.advance(WINDOWS);
console.log(`${RUNS} runs × ${WINDOWS} windows, a window every ${FEED_MS} ms on each, ${await browser.version()}`);
console.log('view       load ms   frames/s   p95 frame ms   longest ms   long tasks ms/s');
for (const view of VIEWS) {
  const loads = [];
  for (let count = 0; count < LOADS; count += 1) loads.push(await load(browser, daemon.url, view));
  const { frames, tasks } = await watchFrames(browser, daemon, view);
  const total = frames.reduce((sum, distance) => sum + distance, 0);
  const sorted = [...frames].sort((a, b) => a - b);
  console.log([view.padEnd(9), fixed(median(loads)).padStart(8), fixed((frames.length / total) * 1000, 1).padStart(10),
    fixed(sorted[Math.floor(sorted.length * 0.95)], 1).padStart(14),
    fixed(sorted.at(-1)).padStart(12), fixed(tasks.reduce((sum, time) => sum + time, 0) / (total / 1000), 1)
      .padStart(17)].join(' '));
}
await browser.close();
await daemon.close();
