// A request's ledger as one horizontal bar, and the key to its colours.

import { ledgerColor } from './colors.js';
import { h } from './dom.js';
import * as format from './format.js';
import { LEDGER_PARTS, ledgerSegments, ledgerSum } from './ledger.js';
import { currentTheme } from './theme.js';

/**
 * @param {Object<string, number>} ledger nanoseconds by part
 * @param {number} scaleNs what the full width stands for
 * @param {string} label read out before the parts
 */
export function ledgerBar(ledger, scaleNs, label) {
  const theme = currentTheme();
  const segments = ledgerSegments(ledger);
  const spoken = segments.map(({ part, ns }) => `${part.label} ${format.durationNs(ns)}`).join(', ');
  const bar = h('div.ledger-bar', { role: 'img', 'aria-label': `${label}: ${spoken || 'no time spent'}` });
  for (const { part, ns, share } of segments) {
    bar.append(h('i', {
      title: `${part.label}: ${format.durationNs(ns)} (${format.percent(share)})`,
      data: { part: part.key },
      style: { width: `${scaleNs > 0 ? (ns / scaleNs) * 100 : 0}%`, 'background-color': ledgerColor(part, theme) }
    }));
  }
  return bar;
}

/** The colours of all parts that occur in any of the ledgers. */
export function ledgerKey(ledgers) {
  const theme = currentTheme();
  const present = LEDGER_PARTS.filter(({ key }) => ledgers.some((ledger) => (ledger?.[key] ?? 0) > 0));
  return h('ul.ledger-key', { 'aria-label': 'Parts of latency' }, ...present.map((part) =>
    h('li', { title: part.text }, h('i', { style: { 'background-color': ledgerColor(part, theme) } }), part.label)));
}

/** The longest ledger: the scale on which several bars compare. */
export const commonScale = (ledgers) => Math.max(0, ...ledgers.map(ledgerSum));
