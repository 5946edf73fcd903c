// What a search says: sentences, the points of its fronts, and how to stream one of its clusters live.

import * as format from './format.js';

/** What a front sets against a latency. `front` begins the name of its flags in a trial. */
export const YIELDS = {
  price: { title: 'Price', axis: 'price per hour', front: 'front', value: (trial) => trial.price_per_hour },
  throughput: { title: 'Throughput', axis: 'output tokens per second and GPU', front: 'front_throughput',
    value: (trial) => trial.output_tokens_per_s_per_gpu },
};
export const LATENCIES = {
  ttft: { title: 'TTFT', value: (trial) => trial.ttft_p99_ns, limit: (search) => search.objective.ttft_p99_ns },
  tpot: { title: 'TPOT', value: (trial) => trial.tpot_p99_ns, limit: (search) => search.objective.tpot_p99_ns },
};

const SKIPPED = {
  grid: 'not reached yet', bisection: 'on the known side of a border along the rising axis',
  cheapest: 'dearer than the one that holds, or not reached yet', halving: 'not drawn into the Latin hypercube',
  capacity: 'not reached yet',
};

/** What was left out would flatter a cluster, so only trials that served all requests are points. */
const isComplete = (trial) => trial.rejected === 0 && trial.stopped_after === undefined;

/**
 * @param {'price'|'throughput'} yielded @param {'ttft'|'tpot'} latency
 * @returns {{trial: object, x: number, y: number, front: boolean}[]} ascending in x; y in seconds
 */
export function pointsOf(search, yielded, latency) {
  const { front, value } = YIELDS[yielded];
  return search.results.filter(isComplete)
    .map((trial) => ({
      trial, x: value(trial), y: LATENCIES[latency].value(trial) / 1e9, front: trial[`${front}_${latency}`],
    }))
    .sort((a, b) => a.x - b.x);
}

/** Names one trial of a search, in addresses too. */
export const trialKey = (trial) => `${trial.candidate}x${trial.load}`;

export const settingsText = (trial) => trial.settings.join(' ') || 'as the base';

/** Of a search for the highest load. */
export const loadText = (trial) => (trial.load === 1 ? '' : ` at load × ${format.significant(trial.load)}`);

const price = (trial) => `${format.significant(trial.price_per_hour)} per hour`;

/** P:D of a disaggregated cluster in GPUs, e.g. "40:8 GPUs". */
export const ratioText = ({ prefill, decode }) =>
  (prefill === undefined ? '' : `${format.count(prefill.gpus)}:${format.count(decode.gpus)} GPUs`);

/** What was found, then how much of the space was looked at. */
export function searchSentences(search) {
  const [best] = search.results;
  const looked = `${format.plural(search.trials, 'trial')} of ${format.count(search.tried)} of ` +
    `${format.plural(search.candidates, 'candidate')} by ${search.method}.`;
  return [foundSentence(search, best), looked, skippedSentence(search)].filter((text) => text !== '');
}

function foundSentence(search, best) {
  if (best === undefined) return 'Nothing was replayed yet.';
  if (!best.holds) {
    return `No cluster that was tried holds the objectives${search.ended ? '' : ' yet'}; the nearest comes first.`;
  }
  return `${search.ended === true ? 'The cheapest' : 'So far the cheapest'} that holds the objectives: ` +
    `${settingsText(best)}, ${format.plural(best.gpus, 'GPU')}${loadText(best)}, ${price(best)}.`;
}

function skippedSentence(search) {
  if (search.skipped === 0) return '';
  return `${format.count(search.skipped)} skipped: ${SKIPPED[search.method]}.`;
}

/** How a trial stands against the objectives. */
export function verdictOf(trial) {
  if (trial.holds) return 'held';
  if (trial.stopped_after !== undefined) return `missed after ${format.count(trial.stopped_after)} arrivals`;
  return `missed, × ${format.significant(trial.excess)}`;
}

/** The fronts that a trial is on, in words. */
export function frontsText(trial) {
  const names = Object.values(YIELDS).flatMap(({ title, front }) => Object.entries(LATENCIES)
    .filter(([key]) => trial[`${front}_${key}`]).map(([, latency]) => `${title.toLowerCase()}–${latency.title}`));
  return names.join(', ');
}

/** A word for a shell. */
export const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text
  : `'${text.replaceAll("'", String.raw`'\''`)}'`);

/**
 * The command that streams the search's trace to a daemon through the cluster of a trial, as fast as in the trial.
 * @param {string} scenario its name at the daemon @param {string} daemon address
 */
export function streamCommand(search, trial, scenario, daemon) {
  const load = search.load * trial.load;
  const words = ['replayctl', 'stream', search.trace, '--stream', scenario, '--scenario', scenario, '--daemon', daemon];
  if (load !== 1) words.push('--time-scale', String(Number((1 / load).toPrecision(12))));
  return [...words, '--limit', String(trial.arrivals), '--wait'].map(shellWord).join(' ');
}
