// Serves the page from its sources, with the vendored files taken from node_modules as the build does.

import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DASHBOARD = fileURLToPath(new URL('../../../dashboard/', import.meta.url));
const VENDOR = {
  'uPlot.esm.js': 'uplot/dist/uPlot.esm.js',
  'uPlot.min.css': 'uplot/dist/uPlot.min.css',
  'inter-latin-wght-normal.woff2': '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
};
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

/** Answers a GET of a file of the page; false if there is no such file. */
export async function serveStatic(path, response) {
  const name = path === '/' ? '/index.html' : path;
  if (name.includes('..')) return false;
  const vendored = name.startsWith('/vendor/') ? VENDOR[name.slice('/vendor/'.length)] : undefined;
  try {
    const body = await readFile(vendored === undefined ? join(DASHBOARD, name) : join(DASHBOARD, 'node_modules',
      vendored));
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff', 'cache-control': 'no-store',
      'content-security-policy': "default-src 'self'; connect-src 'self' http: ws:" });
    response.end(body);
    return true;
  } catch {
    return false;
  }
}
