// Long names of streams and scenarios mostly differ at their end, which is what narrow places cut off first. Here a
// name is taken apart into what it shares with another one and what tells it from the others: the first gives way.

import { h } from './dom.js';

/** What a word of a name ends with; a cut between words is easier to read. */
const BETWEEN_WORDS = /[-_./ ·]/;

/** Characters of a name in a list of controls: what fits into its width. */
export const OPTION_MAX = 29;

/**
 * @param {string} name
 * @param {string[]} others names that stand beside it; it may be one of them
 * @returns {[string, string]} what it shares with another one, up to the end of a word, and the rest, with which no
 *   other one ends; together the name
 */
export function splitName(name, others) {
  const rivals = others.filter((other) => other !== name);
  let shared = wordBefore(name, Math.max(0, ...rivals.map((other) => commonPrefix(name, other))));
  const isAmbiguous = () => rivals.some((other) => other.endsWith(name.slice(shared)));
  while (shared > 0 && isAmbiguous()) shared = wordBefore(name, shared - 1);
  return [name.slice(0, shared), name.slice(shared)];
}

function commonPrefix(one, other) {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same += 1;
  return same;
}

/** Where the word begins that a place of the name lies in. */
function wordBefore(name, place) {
  while (place > 0 && !BETWEEN_WORDS.test(name[place - 1])) place -= 1;
  return place;
}

/**
 * A name for a place that takes only text, such as an option of a list: whole while it fits; else what it shares is
 * shortened, and where that is not enough, the middle of the rest.
 * @param {number} most characters, at least 5
 */
export function elided(name, others, most) {
  if (name.length <= most) return name;
  const [shared, own] = splitName(name, others);
  if (own.length < most) return `${shared.slice(0, most - 1 - own.length)}…${own}`;
  const before = shared === '' ? '' : '…';
  const room = most - 1 - before.length;
  return `${before}${own.slice(0, Math.ceil(room / 2))}…${own.slice(own.length - Math.floor(room / 2))}`;
}

/** Shows a name in two parts, of which the shared one is shortened first; the whole name is in the title. */
export function setName(element, name, others) {
  const [shared, own] = splitName(name, others);
  if (element.title === name && element.lastChild?.textContent === own) return;
  element.title = name;
  element.classList.add('name-parts');
  element.replaceChildren(...(shared === '' ? [] : [h('span.shared', { textContent: shared })]),
    h('span.own', { textContent: own }));
}
