// How well the daemon answers: a small lamp when all is well, a plain sentence when it isn't.

import { h, setText } from './dom.js';

export class StatusBar {
  constructor(base) {
    this.base = base;
    this.lamp = h('span.lamp', { role: 'status' });
    this.text = h('p');
    this.banner = h('div.banner', { role: 'alert', hidden: true }, this.text);
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    const { state, label, sentence } = judge(hub, this.base);
    this.lamp.dataset.state = state;
    this.lamp.title = `${this.base}: /metrics ${hub.sources.metrics}, API ${hub.sources.api}, live ${hub.sources.live}`;
    setText(this.lamp, label);
    this.banner.hidden = sentence === '';
    this.banner.dataset.state = state;
    setText(this.text, sentence);
  }
}

function judge(hub, base) {
  const { metrics, api, live } = hub.sources;
  if (hub.refused) return { state: 'failed', label: 'token wanted', sentence: `${base} wants a token.` };
  if (hub.unreachable) {
    return {
      state: 'failed',
      label: 'unreachable',
      sentence: `No daemon answers at ${base}. The page keeps trying, and shows what it last knew. ` +
        'Is it running? Try: systemctl status replayd, or ./dev demo.'
    };
  }
  if (hub.metricsOnly) {
    return {
      state: 'partial',
      label: 'metrics only',
      sentence: `Only ${base}/metrics answers: panels gain one point per scrape; requests, history and controls need ` +
        `the API (${hub.detail}).`
    };
  }
  if (metrics === 'failed' && api === 'ok') {
    return {
      state: 'partial',
      label: 'no metrics',
      sentence: `${base}/metrics cannot be read, so the cards show whole-run figures: ${hub.detail}`
    };
  }
  if (api === 'unknown' && metrics === 'unknown') return { state: 'unknown', label: 'connecting', sentence: '' };
  if (live === 'failed') return { state: 'partial', label: 'polling', sentence: '' };
  return { state: 'ok', label: live === 'ok' ? 'live' : 'connected', sentence: '' };
}
