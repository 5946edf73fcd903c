// Axes that the page's charts share: grid, typeface, and how times are written.

import * as format from './format.js';
import { token } from './theme.js';

export const CHART_FONT = '11px "Inter Variable", system-ui, sans-serif';

/** What every axis has, in the colours of the theme; a chart adds size and values (uPlot's `axes`). */
export function plainAxis() {
  return {
    stroke: token('--text-muted'),
    font: CHART_FONT,
    ticks: { show: false },
    grid: { stroke: token('--grid'), width: 1 }
  };
}

/** Virtual time in seconds, written as a clock. */
export function clockAxis() {
  return {
    ...plainAxis(),
    size: 24,
    gap: 4,
    space: 60,
    values: (_plot, splits) => splits.map((value) => format.clock(value))
  };
}

/** Latencies in seconds, each with its unit. */
export function durationAxis() {
  return {
    ...plainAxis(),
    size: 54,
    gap: 4,
    values: (_plot, splits) => splits.map((value) => format.shorter(format.duration(value)))
  };
}
