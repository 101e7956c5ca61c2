/** A state timeline. Grafana does not publish its own, so this draws the bars on Grafana's axes. */
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder } from '@grafana/ui';
import { useMemo } from 'react';

const BAR = 0.9;
const PADDING = 6;
/** Width of a letter in the names of the series. */
const LETTER = 7;

export function Timeline({ panel, frames, theme, timeRange, width, height }) {
  const [config, data] = useMemo(
    () => [configOf(panel, frames, theme, timeRange), dataOf(frames)],
    [panel, frames, theme, timeRange],
  );
  return <UPlotChart {...{ config, data, width, height, timeRange }} />;
}

/** All times, and each series at these times. */
function dataOf(frames) {
  const times = [...new Set(frames.flatMap(({ fields: [time] }) => time.values))].sort((a, b) => a - b);
  return [
    times,
    ...frames.map(({ fields: [time, field] }) => {
      const at = new Map(time.values.map((one, i) => [one, field.values[i]]));
      return times.map((one) => at.get(one) ?? null);
    }),
  ];
}

function configOf(panel, frames, theme, timeRange) {
  const builder = new UPlotConfigBuilder('utc');
  const { length } = frames;
  const names = frames.map(({ fields: [, field] }) => field.state.displayName);
  builder.addScale({
    ...{ scaleKey: 'x', isTime: true, orientation: ScaleOrientation.Horizontal },
    direction: ScaleDirection.Right,
    range: () => [timeRange.from.valueOf(), timeRange.to.valueOf()],
  });
  builder.addScale({
    ...{ scaleKey: 'y', orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Up },
    range: () => [0, length],
  });
  builder.addAxis({
    ...{ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone: 'utc', theme },
    grid: { show: false },
  });
  const middles = frames.map((_, i) => length - i - 0.5);
  builder.addAxis({
    ...{
      scaleKey: 'y',
      placement: AxisPlacement.Left,
      theme,
      size: LETTER * Math.max(...names.map(({ length: letters }) => letters)),
      grid: { show: false },
      ticks: { show: false },
    },
    splits: () => middles,
    values: () => names,
  });
  for (const _ of frames) {
    builder.addSeries({ scaleKey: 'y', theme, pathBuilder: () => null, pointsBuilder: () => undefined });
  }
  builder.addHook('draw', (plot) => {
    frames.forEach(({ fields: [, field] }, i) => {
      drawBars(plot, statesOf(plot.data[0], plot.data[i + 1]), field, middles[i], panel, theme);
    });
  });
  return builder;
}

/** Equal values that follow each other are one bar. */
function statesOf(times, values) {
  const states = [];
  values.forEach((value, i) => {
    const last = states.at(-1);
    const end = times[i + 1] ?? times[i];
    if (last && last.value === value) last.to = end;
    else states.push({ value, from: times[i], to: end });
  });
  return states.filter(({ value }) => value !== null);
}

function drawBars({ ctx, valToPos }, states, field, middle, panel, theme) {
  const top = valToPos(middle + BAR / 2, 'y', true);
  const bottom = valToPos(middle - BAR / 2, 'y', true);
  for (const { value, from, to } of states) {
    const { text, color } = field.display(value);
    const left = valToPos(from, 'x', true);
    const width = valToPos(to, 'x', true) - left;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, bottom - top);
    ctx.clip();
    ctx.globalAlpha = panel.fieldConfig.defaults.custom.fillOpacity / 100;
    ctx.fillStyle = color;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.fillStyle = theme.colors.text.primary;
    ctx.font = `12px ${theme.typography.fontFamily}`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.fillText(text, left + PADDING, (top + bottom) / 2);
    ctx.restore();
  }
}
