// The arithmetic of the expert balance.

/** Tokens of each rank in a step of a pool, the mean of the last window with steps; null before the first. */
export function tokensPerRank(windows, name) {
  for (let index = windows.length - 1; index >= 0; index -= 1) {
    const pool = windows[index].pools?.find((item) => item.name === name);
    if (pool?.steps > 0) return (pool.prompt_tokens + pool.output_tokens) / pool.steps;
  }
  return null;
}

/** busiest_over_mean at so many tokens: straight in log2(tokens) between the given ones. */
export function busiestAt(balance, tokens) {
  const { tokens_per_rank: at, busiest_over_mean: busiest } = balance;
  if (tokens <= at[0]) return busiest[0];
  const upper = at.findIndex((value) => value >= tokens);
  if (upper < 0) return busiest.at(-1);
  const share = Math.log2(tokens / at[upper - 1]) / Math.log2(at[upper] / at[upper - 1]);
  return busiest[upper - 1] + share * (busiest[upper] - busiest[upper - 1]);
}
