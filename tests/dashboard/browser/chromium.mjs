// Debian's Chromium under Playwright's library (its test runner is not used).

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DASHBOARD } from './static_files.mjs';

/** Longest wait for anything that a sound page does; a loaded machine is slow. */
const PATIENCE_MS = 90_000;
const CHROMIUM = process.env.REPLAYD_CHROMIUM ?? '/usr/bin/chromium';

/** Why no browser test can run here, or null. */
export function browserMissing() {
  if (!existsSync(CHROMIUM)) return `no Chromium at ${CHROMIUM} (set REPLAYD_CHROMIUM)`;
  for (const name of ['@playwright/test', 'axe-core']) {
    if (!existsSync(`${DASHBOARD}node_modules/${name}`)) return `${name} is not installed: run npm ci in dashboard/`;
  }
  return null;
}

const playwright = browserMissing() === null ? createRequire(`${DASHBOARD}package.json`)('@playwright/test') : {};

/** Assertions on a locator or page that look again until they hold: what a page shows arrives in its own time. */
export const expect = playwright.expect?.configure({ timeout: PATIENCE_MS });

/** Starts the browser; the caller closes it. */
export function launch() {
  return playwright.chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'],
    timeout: PATIENCE_MS });
}

/** What the console says when a connection is refused: some tests refuse them on purpose, and assert what
 *  the page makes of it. */
const REFUSED = /ERR_|^WebSocket connection to/;

/** Opens a page on a laptop's screen. Errors of its console are collected in `page.errors`. */
export async function openPage(browser, url, { colorScheme = 'light', viewport = { width: 1366, height: 768 } } = {}) {
  const page = await browser.newPage({ viewport, colorScheme });
  page.setDefaultTimeout(PATIENCE_MS);
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !REFUSED.test(message.text())) page.errors.push(message.text());
  });
  // Chromium drops what it loads when an interface comes or goes on the machine, e.g. of a test with network
  // namespaces.
  let dropped;
  page.on('requestfailed', (request) => { dropped ||= request.failure()?.errorText === 'net::ERR_NETWORK_CHANGED'; });
  const isBlank = () => page.evaluate(() => document.querySelector('main') === null);
  const reload = page.reload.bind(page);
  // To go to the address again would change nothing: it differs from the one before at most behind its '#'.
  const whole = async (load) => {
    dropped = false;
    await load();
    while (dropped || (page.errors.length === 0 && await isBlank())) {
      dropped = false;
      await reload();
    }
  };
  page.reload = () => whole(reload);
  await whole(() => page.goto(url));
  return page;
}
