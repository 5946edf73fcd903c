// The page of a real daemon that wants a token: it asks, says why a wrong one is refused, shows the right one on every
// request and on the live websocket, never in an address, and keeps it for the tab alone.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { browserMissing, expect, launch, openPage } from './chromium.mjs';

const BUILD = process.env.REPLAYD_BUILD ?? 'build/release';
const DAEMON = join(BUILD, 'replayd');
const DEADLINE_MS = 90_000;
const TOKEN = 'r'.repeat(40);
const INGEST = 'i'.repeat(40);

const reason = existsSync(DAEMON) ? browserMissing() : `${DAEMON} isn't built (set REPLAYD_BUILD to the build folder)`;
if (reason !== null) console.log(`skipped: ${reason}`);

describe('page behind a token', { skip: reason ?? false }, () => {
  let folder;
  let daemon;
  let base;
  let browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'replayd-token-'));
    for (const [name, token] of [['read', TOKEN], ['ingest', INGEST]]) await writeFile(join(folder, name), token,
      { mode: 0o600 });
    await writeFile(join(folder, 'd.toml'), ['read', 'ingest'].map((name) =>
      `[[token]]\nname = '${name}'\nroles = ['${name}']\nfile = '${join(folder, name)}'\n`).join(''));
    const portFile = join(folder, 'port');
    daemon = spawn(DAEMON, ['--config', join(folder, 'd.toml'), '--listen', '127.0.0.1:0', '--port-file', portFile,
      '--db', join(folder, 'history.sqlite'),
      '--dashboard', join(BUILD, 'dashboard'), '--log-level', 'error'], { stdio: 'inherit' });
    const deadline = Date.now() + DEADLINE_MS;
    while (!existsSync(portFile)) {
      assert.ok(daemon.exitCode === null && Date.now() < deadline, 'replayd listens');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    base = `http://127.0.0.1:${(await readFile(portFile, 'utf8')).trim()}`;
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    if (daemon !== undefined && daemon.exitCode === null) {
      daemon.kill('SIGTERM');
      await once(daemon, 'exit');
    }
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  test('it is asked for, tried, kept for the tab, and never in an address', async () => {
    const page = await openPage(browser, base);
    const addresses = [];
    page.on('request', (request) => addresses.push(request.url()));
    page.on('websocket', (socket) => addresses.push(socket.url()));
    const dialog = page.locator('dialog.token-dialog[open]');
    await dialog.waitFor();
    await page.locator('.lamp', { hasText: 'token wanted' }).waitFor();

    const offer = async (token) => {
      await dialog.locator('input').fill(token);
      await dialog.locator('button[type="submit"]').click();
    };
    await offer('x'.repeat(40));
    await dialog.locator('.token-reason', { hasText: 'the token is unknown here' }).waitFor();
    await offer(INGEST);
    await dialog.locator('.token-reason', { hasText: 'needs the role read' }).waitFor();
    await offer(TOKEN);
    await page.locator('.lamp[data-state="ok"]', { hasText: 'live' }).waitFor();
    await expect(page.locator('dialog.token-dialog[open]')).toHaveCount(0);

    await page.reload();
    await page.locator('.lamp[data-state="ok"]', { hasText: 'live' }).waitFor();
    assert.ok(addresses.some((address) => address.startsWith('ws:')), addresses.join(' '));
    for (const address of [...addresses, page.url()]) assert.ok(!/rrrr|cnJy|xxxx|iiii/.test(address), address);

    const other = await openPage(browser, base);
    await other.locator('dialog.token-dialog[open]').waitFor();
  });
});
