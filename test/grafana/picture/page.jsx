/** The panels of the dashboard, each at its place. `drawing` has them with their answers: see `draw.ts`. */
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import {
  createTheme,
  dateTime,
  FieldType,
  getDisplayProcessor,
  ThemeContext,
  toDataFrame,
  VizOrientation,
} from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { Timeline } from './timeline.jsx';

const { drawing } = globalThis;
const theme = createTheme({ colors: { mode: 'dark' } });
/** Grafana's grid: 24 columns, and the height of a row. */
const COLUMNS = 24;
const CELL = 30;
const GAP = 8;
const TIME_ZONE = 'utc';
/** Where the dashboard gives no choice, Grafana has these defaults. */
const DEFAULTS = {
  stat: { color: { mode: 'thresholds' } },
  timeseries: { color: { mode: 'palette-classic' } },
  'state-timeline': { color: { mode: 'thresholds' } },
};
const LINES = { lineWidth: 1, fillOpacity: 0, showPoints: 'auto', pointSize: 5, spanNulls: false };

const [from, to] = [drawing.range.startSeconds, drawing.range.endSeconds].map((s) => dateTime(s * 1000));
const timeRange = { from, to, raw: { from, to } };

/** One data frame for each series, as Grafana's data source for Prometheus makes them. */
function framesOf({ panel, answers }) {
  const series = answers.flatMap((answer) => answer.series);
  return series.map(({ name, values }, seriesIndex) => {
    const config = {
      ...DEFAULTS[panel.type],
      ...panel.fieldConfig.defaults,
      thresholds: thresholdsOf(panel),
      displayName: name,
      custom: { ...LINES, ...panel.fieldConfig.defaults.custom },
    };
    const frame = toDataFrame({
      name,
      fields: [
        {
          ...{ name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000) },
          config: { interval: drawing.range.stepSeconds * 1000 },
        },
        { name, type: FieldType.number, values: values.map(([, value]) => value), config },
      ],
    });
    const [time, field] = frame.fields;
    time.display = getDisplayProcessor({ field: time, theme, timeZone: TIME_ZONE });
    field.state = { seriesIndex, displayName: name, origin: { frameIndex: seriesIndex, fieldIndex: 1 } };
    field.display = getDisplayProcessor({ field, theme, timeZone: TIME_ZONE });
    return frame;
  });
}

/** The first step has no lower end, which JSON cannot say. Grafana puts it in when it loads a dashboard. */
function thresholdsOf({ fieldConfig: { defaults } }) {
  const { thresholds } = defaults;
  const steps = thresholds?.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
  return thresholds && { ...thresholds, steps };
}

function Stat({ panel, frames, width, height }) {
  const values = frames.map(({ fields: [, field] }) => {
    const shown = field.display(field.values.findLast((value) => value !== null));
    return { ...shown, title: field.state.displayName };
  });
  const { colorMode, graphMode, justifyMode, textMode } = panel.options;
  return (
    <VizRepeater
      autoGrid
      getValues={() => values}
      renderValue={({ value, count, ...place }) => (
        <BigValue
          {...{ value, count, theme, colorMode, graphMode, justifyMode, textMode }}
          width={place.width}
          height={place.height}
        />
      )}
      source={values}
      renderCounter={0}
      orientation={VizOrientation.Auto}
      itemSpacing={3}
      {...{ width, height }}
    />
  );
}

function Chart({ panel, frames, width, height }) {
  const { legend } = panel.options;
  return <TimeSeries {...{ frames, timeRange, legend, width, height }} timeZone={TIME_ZONE} />;
}

const KINDS = { stat: Stat, timeseries: Chart, 'state-timeline': Timeline };

function Panel({ panel, answers }) {
  const { width, height } = sizeOf(panel.gridPos);
  const Kind = KINDS[panel.type];
  const frames = framesOf({ panel, answers });
  return (
    <div style={{ position: 'absolute', ...placeOf(panel.gridPos) }}>
      <PanelChrome title={panel.title} description={panel.description} width={width} height={height}>
        {(innerWidth, innerHeight) =>
          frames.length === 0 ? (
            <div>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>
          ) : (
            <Kind {...{ panel, frames, theme, timeRange }} width={innerWidth} height={innerHeight} />
          )
        }
      </PanelChrome>
    </div>
  );
}

function Row({ title, gridPos }) {
  const style = { ...placeOf(gridPos), ...sizeOf(gridPos), ...theme.typography.h6 };
  return (
    <div style={{ ...style, position: 'absolute', lineHeight: `${CELL}px`, textIndent: GAP }}>{title}</div>
  );
}

function columnWidth() {
  return (document.documentElement.clientWidth - GAP) / COLUMNS;
}

function placeOf({ x, y }) {
  return { left: GAP + x * columnWidth(), top: GAP + y * (CELL + GAP) };
}

function sizeOf({ w, h }) {
  return { width: w * columnWidth() - GAP, height: h * (CELL + GAP) - GAP };
}

function Page() {
  const places = [...drawing.panels.map(({ panel }) => panel), ...drawing.rows].map(({ gridPos }) => gridPos);
  const rows = Math.max(...places.map(({ y, h }) => y + h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', height: GAP + rows * (CELL + GAP) }}>
        {drawing.rows.map((row) => (
          <Row key={row.title} {...row} />
        ))}
        {drawing.panels.map(({ panel, answers }) => (
          <Panel key={panel.title} {...{ panel, answers }} />
        ))}
      </div>
    </ThemeContext.Provider>
  );
}

document.fonts.ready
  .then(() => Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 14px Inter`))))
  .then(() => createRoot(document.querySelector('#root')).render(<Page />))
  // Charts are drawn on canvases, one frame after they have their size.
  .then(() => setTimeout(() => Object.assign(document, { title: 'drawn' }), 1500));
