// What a comparison of two runs says in words and in order. Differences are B − A: above zero where B takes longer.

import { BLAME_CAUSES } from './blame.js';
import * as format from './format.js';
import { LEDGER_PARTS } from './ledger.js';

export const signedNs = (ns) => (
  ns === null || ns === undefined ? format.MISSING : `${ns < 0 ? '−' : '+'}${format.durationNs(Math.abs(ns))}`);

/**
 * "B breaks the TTFT objective 14 minutes earlier"; null where neither breaks it.
 * @param {object} breaks {a_ns, b_ns, b_earlier_by_ns}
 */
export function breakSentence(name, breaks) {
  const { a_ns: a, b_ns: b } = breaks;
  const at = (ns) => format.clock(ns / 1e9);
  if (a === null && b === null) return null;
  if (a === null) return `B breaks the ${name} objective at ${at(b)}; A holds it.`;
  if (b === null) return `A breaks the ${name} objective at ${at(a)}; B holds it.`;
  if (a === b) return `Both break the ${name} objective at ${at(a)}.`;
  return `${b < a ? 'B' : 'A'} breaks the ${name} objective ${format.durationNs(Math.abs(a - b))} earlier, at ` +
    `${at(Math.min(a, b))}.`;
}

/** The whole comparison in a few sentences. */
export function comparisonSentences(comparison) {
  const { differ, pairs, b_slower: slower, b_faster: faster } = comparison;
  const sentences = [
    breakSentence('TTFT', comparison.breaks.ttft), breakSentence('TPOT', comparison.breaks.tpot)
  ].filter((text) => text !== null);
  if (sentences.length === 0) sentences.push('Neither breaks an objective.');
  if (pairs === 0) return [...sentences, 'No request is through both runs yet.'];
  sentences.push(
    differ === 0
      ? `All ${format.plural(pairs, 'request')} go the same way in both.`
      : `${format.count(differ)} of ${format.plural(pairs, 'request')} ${differ === 1 ? 'differs' : 'differ'}: ` +
        `${format.count(slower)} slower and ${format.count(faster)} faster in B.`
  );
  for (const [name, count] of [['A', comparison.rejected_by_a], ['B', comparison.rejected_by_b]]) {
    if (count > 0) sentences.push(`${name} alone rejects ${format.count(count)}.`);
  }
  const left = comparison.only_a + comparison.only_b;
  const policy = comparison.request_rows;
  if (left > 0) {
    sentences.push(policy === 'objective_breaks'
        ? `${format.plural(left, 'request')} ${left === 1 ? 'has' : 'have'} a row in one run only.`
        : `${format.plural(left, 'request')} ${left === 1 ? 'is' : 'are'} through one run only so far.`);
  }
  if (policy !== 'all')
    sentences.push(
      `Only requests with a row in both runs are paired: the stream keeps rows by request_rows = ${policy}.`);
  return sentences;
}

/**
 * Sums of differences, the largest in size first.
 * @param {Object<string, number>} sums nanoseconds by part or cause @param {object[]} kinds LEDGER_PARTS or
 *   BLAME_CAUSES
 * @returns {{kind: object, ns: number}[]} without those that don't differ
 */
export function rankedDifferences(sums, kinds) {
  return kinds.map((kind) => ({ kind, ns: sums?.[kind.key] ?? 0 }))
    .filter(({ ns }) => ns !== 0)
    .sort((a, b) => Math.abs(b.ns) - Math.abs(a.ns));
}

/**
 * Why a request differs: the cause, or else the part of the ledger, that moves its end most in the direction in which
 * it moved.
 */
export function whyDifferent(pair) {
  const outcome = (request) => (request.outcome === 'rejected' ? `rejects it: ${request.reject_reason}` : null);
  if (outcome(pair.a) !== outcome(pair.b))
    return outcome(pair.b) === null ? `A ${outcome(pair.a)}` : `B ${outcome(pair.b)}`;
  const direction = Math.sign(pair.e2e_ns) || Math.sign(pair.ttft_ns) || 1;
  const along = (sums, kinds) => rankedDifferences(sums, kinds).find(({ ns }) => Math.sign(ns) === direction);
  const part = along(pair.ledger_ns, LEDGER_PARTS);
  if (part === undefined) return format.MISSING;
  const cause = along(pair.blame_ns, BLAME_CAUSES);
  const because = cause !== undefined && part.kind.wait
    ? `, ${format.inSentence(cause.kind.label)} ${signedNs(cause.ns)}`
    : '';
  return `${format.inSentence(part.kind.label)} ${signedNs(part.ns)}${because}`;
}

/**
 * p99 of B minus p99 of A at the windows that both have.
 * @param {'ttft'|'tpot'} field
 * @returns {{t: number, value: number}[]} seconds
 */
export function differenceOverTime(a, b, field) {
  const ofA = new Map(a.map((point) => [point.t, point[field].p99]));
  return b.filter((point) => point[field].p99 !== null && (ofA.get(point.t) ?? null) !== null)
    .map((point) => ({ t: point.t, value: point[field].p99 - ofA.get(point.t) }));
}
