// The eight clusters of the live benchmarks, which a million requests an hour keep busy.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const REQUESTS_PER_HOUR = 1e6;

const MIXED = 'llama-3.1-8b-h100-mixed';
const PD = 'llama-3.1-8b-h100-pd';
const SARATHI = 'policy = "sarathi"';
const CLUSTERS = [[MIXED, [40]], [MIXED, [48]], [MIXED, [64]], [MIXED, [64], SARATHI], [PD, [16, 48]], [PD, [24, 24]],
  [PD, [32, 32]], [PD, [40, 24]]];

/**
 * Writes each as a file of `folder`: the built-in scenario with so many replicas in its pools, under a name that says
 * so. Returns the names.
 */
export function writeScenarios(programs, folder) {
  mkdirSync(folder, { recursive: true });
  return CLUSTERS.map(([base, replicas, extra = '']) => {
    const name = `${base.split('-').at(-1)}-${replicas.join('x')}${extra && '-sarathi'}`;
    let pool = 0;
    const toml = execFileSync(`${programs}/replayctl`, ['scenario', 'show', base], { encoding: 'utf8' })
      .replace(/^name = "llama.*$/m, `name = "${name}"`)
      .replace(/^replicas = .*$/gm, () => `replicas = ${replicas[pool++]}`)
      .replace(/^max_sequences = .*$/m, `$&\n${extra}`);
    writeFileSync(join(folder, `${name}.toml`), toml);
    return name;
  });
}

/** Arrivals for so many minutes, a million an hour, as a file. */
export function writeTrace(programs, file, minutes) {
  execFileSync(`${programs}/replayctl`, ['generate', file, '--duration', `${minutes}m`, '--rate',
    String(REQUESTS_PER_HOUR / 3600),
    '--seed', '5', '--prompt-median', '850', '--output-median', '130'], { stdio: 'ignore' });
}
