// What can be seen of each view once it has its data.

export const VIEW_READY = {
  overview: '.stream svg.spark',
  live: '.live .panel[data-panel="ttft"]:not(.is-empty)',
  requests: 'button.request',
  compare: '.compare-requests tbody tr',
  observed: '.observed tbody tr[data-metric="e2e"]',
  forecast: '.forecast .candidates input',
  memory: '.memory-time canvas',
  moment: '.moment-result tbody tr',
  experts: '.experts .expert-pool',
  vllm: '.vllm .panel[data-panel="finish"]:not(.is-empty)',
  search: '.search-chart circle.holds',
  history: '.history tbody tr',
  query: '.query textarea',
};
