// Who computes what of a stream that several daemons share over NATS.

/**
 * Who computes the scenarios of a stream that several daemons share; '' for one that is not shared.
 * @param {object[]|null|undefined} shared of a Stream
 */
export function sharedSentence(shared) {
  if (!shared || shared.length === 0) return '';
  const where = ({ node, here }) => (here ? `${node} (this daemon)` : node);
  const words = { waiting: () => 'waits for a daemon', running: (run) => `at ${where(run)}` };
  const told = (run) => words[run.state]?.(run) ?? `${run.state} at ${where(run)}`;
  return `Shared with other daemons: ${shared.map((run) => `${run.scenario} ${told(run)}`).join(', ')}.`;
}
