// What the page draws of a step with attention/FFN disaggregation: one row per resource, one bar per visit of a stage.

/** In the order in which a stage passes them. */
export const AFD_RESOURCES = [
  { key: 'attention', label: 'Attention', text: 'Attention servers: norm, projections, attention, router.' },
  { key: 'forward', label: 'Send', text: 'Token rows on the wire to the FFN servers.' },
  { key: 'gather', label: 'Gather', text: 'All-gather inside an FFN server.' },
  { key: 'ffn', label: 'FFN', text: 'Experts of the FFN servers.' },
  { key: 'reduce', label: 'Reduce', text: 'Reduce-scatter inside an FFN server.' },
  { key: 'return', label: 'Return', text: 'Results on the wire back to the attention servers.' },
];

/**
 * The timeline of a step, cut to its first `layers` layers, as shares of its length.
 * @param {object} step an AfdStep of the API
 * @returns {{lengthNs: number, rows: {resource: object, idle: number, bars: {stage: number, layer: number, from:
 *   number, width: number, ns: number}[]}[]}}
 */
export function afdTimeline(step) {
  const lengthNs = step.timeline.reduce((end, visit) => Math.max(end, visit.end_ns), 0);
  const used = new Set(step.timeline.map(({ resource }) => resource));
  const rows = AFD_RESOURCES.filter(({ key }) => used.has(key)).map((resource) => ({
    resource,
    idle: step.idle[resource.key],
    bars: step.timeline
      .filter((visit) => visit.resource === resource.key && visit.end_ns > visit.begin_ns)
      .map((visit) => ({
        stage: visit.stage,
        layer: visit.layer,
        from: visit.begin_ns / lengthNs,
        width: (visit.end_ns - visit.begin_ns) / lengthNs,
        ns: visit.end_ns - visit.begin_ns
      }))
  }));
  return { lengthNs, rows };
}
