// Legibility, measured: WCAG contrast of text and of lines, and the distance of runs' colours as people with
// protanopia, deuteranopia and tritanopia see them (Viénot 1999 and Brettel 1997, linear approximations).

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { assignColors, RUN_COLORS } from '../../dashboard/js/colors.js';

const css = await readFile(new URL('../../dashboard/style/theme.css', import.meta.url), 'utf8');
const blockAfter = (selector) => Object.fromEntries([...css.slice(css.indexOf(selector))
  .match(/\{([^{}]*)\}/)[1].matchAll(/(--[a-z0-9-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value.trim()]));
const THEMES = { light: blockAfter(':root {'), dark: blockAfter(':root[data-theme="dark"]') };

const linear = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const luminance = (hex) => { const [r, g, b] = linear(hex); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05); };

test('both spellings of the dark theme are the same', () => {
  assert.deepEqual(blockAfter(':root:not([data-theme="light"])'), THEMES.dark);
});

const TEXT = [['--text', '--panel'], ['--text', '--page'], ['--text', '--sunken'], ['--text', '--accent-soft'],
  ['--text', '--warn-soft'], ['--text', '--bad-soft'],
  ['--text-muted', '--panel'], ['--text-muted', '--page'], ['--text-muted', '--sunken'], ['--bad', '--panel'],
  ['--bad', '--bad-soft'], ['--objective', '--panel'], ['--on-accent', '--accent']];
for (const [theme, tokens] of Object.entries(THEMES)) {
  for (const [front, back] of TEXT) {
    test(`${theme}: ${front} on ${back} has a contrast of at least 4.5`,
      () => assert.ok(contrast(tokens[front], tokens[back]) >= 4.5, String(contrast(tokens[front], tokens[back]))));
  }
  RUN_COLORS[theme].forEach((color, index) => {
    test(`${theme}: the line of run colour ${index} has a contrast of at least 3`,
      () => assert.ok(contrast(color, tokens['--panel']) >= 3, String(contrast(color, tokens['--panel']))));
  });
}

const VISIONS = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.1124, 0.8876, 0], [0.1124, 0.8876, 0], [0.004, -0.004, 1]],
  deuteranopia: [[0.2928, 0.7072, 0], [0.2928, 0.7072, 0], [-0.0223, 0.0223, 1]],
  tritanopia: [[1.0126, 0.1335, -0.1461], [-0.0112, 0.8682, 0.143], [0.0756, 0.7463, 0.178]],
};

function lab(rgb) {
  const [r, g, b] = rgb;
  const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [x, y, z] = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089].map(f);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const seen = (hex, matrix) =>
  lab(matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, index) => sum + weight * linear(hex)[index],
    0)))));
const distance = (a, b, matrix) => Math.hypot(...seen(a, matrix).map((value, index) => value - seen(b, matrix)[index]));

// 10 is a difference at a glance; the first four colours, the common case, stay further apart.
for (const theme of ['light', 'dark']) {
  for (const [vision, matrix] of Object.entries(VISIONS)) {
    test(`${theme}: run colours stay apart with ${vision} vision`, () => {
      RUN_COLORS[theme].forEach((a, i) => RUN_COLORS[theme].slice(i + 1).forEach((b, offset) => {
        const j = i + 1 + offset;
        const least = j < 4 ? 15 : 10;
        assert.ok(distance(a, b, matrix) >= least, `${i} and ${j}: ${distance(a, b, matrix).toFixed(1)}`);
      }));
    });
  }
}

test('nine runs share eight colours instead of failing', () => {
  const colors = assignColors(Array.from({ length: 9 }, (_, id) => ({ id, color: id })));
  assert.equal(new Set(colors.values()).size, 8);
});
