// axe-core on a page: the rules of WCAG and of good practice that a program can check.

import { readFile } from 'node:fs/promises';
import { DASHBOARD } from './static_files.mjs';

const source = readFile(`${DASHBOARD}node_modules/axe-core/axe.min.js`, 'utf8');

/** Every violation as one line: rule, element, what is wrong. */
export async function violations(page) {
  await page.evaluate(await source);
  return page.evaluate(async () => {
    const { violations: found } = await window.axe.run(document, { resultTypes: ['violations'] });
    return found.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`));
  });
}
