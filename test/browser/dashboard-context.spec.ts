/**
 * FlowFuse Dashboard with the shared context as the default: two Node-RED instances with one flow. Each row of the table in docs/context.md
 * has a test. Its own store in the global context, which a later version may have, is built here: a live object that guards its shape.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';
import { Emulator } from '../../src/emulator/index';
import { dashboardModules, requireDashboard } from '../support/dashboard';
import { followPage } from '../support/failure-pictures';
import { NodeRed, newUserDir } from '../support/node-red';

const AT = { z: 'tab', x: 100, y: 100 };

/** A function node with a button, which logs what it returns as payload. */
const action = (id: string, func: string, wires: string[] = [], initialize = '') => [
  { ...AT, id, type: 'inject', props: [], repeat: '', once: false, wires: [[`do-${id}`]] },
  {
    ...{ ...AT, id: `do-${id}`, type: 'function', func, initialize, outputs: 1, libs: [] },
    wires: [['log', ...wires]],
  },
];

/** Dashboard's proxied object: other properties than those of widgets are refused, and it cannot be replaced by a part of it. */
const LIVE = `
const values = {}; let writes = 0;
global.set('dashboardStore', new Proxy({}, {
    get: (_, name) => name === 'writes' ? () => writes : values[name],
    set: (_, name, value) => { writes++; values[name] = value; return true; },
}));`;
const READ = `
const store = global.get('dashboardStore');
return { payload: 'store ' + store.slider + ' ' + store.gauge + ' ' + store.writes() };`;

const THEME = {
  colors: {
    surface: '#ffffff',
    primary: '#0094ce',
    bgPage: '#eeeeee',
    groupBg: '#ffffff',
    groupOutline: '#cccccc',
  },
  sizes: { pagePadding: '12px', groupGap: '12px', groupBorderRadius: '4px', widgetGap: '12px' },
};

const FLOW = [
  { id: 'tab', type: 'tab', label: 'Dashboard' },
  {
    id: 'base',
    type: 'ui-base',
    name: 'Dashboard',
    path: '/dashboard',
    acceptsClientConfig: [],
    navigationStyle: 'default',
    titleBarStyle: 'default',
  },
  { id: 'theme', type: 'ui-theme', name: 'Theme', ...THEME },
  {
    ...{
      id: 'page',
      type: 'ui-page',
      name: 'Page',
      ui: 'base',
      path: '/page',
      layout: 'grid',
      theme: 'theme',
    },
    ...{ order: 1, visible: true, disabled: false, breakpoints: [{ name: 'Default', px: 0, cols: 12 }] },
  },
  {
    ...{ id: 'group', type: 'ui-group', name: 'Group', page: 'page', width: 6, height: 1, order: 1 },
    ...{ showTitle: true, visible: true, disabled: false, groupType: 'default' },
  },
  {
    ...{
      ...AT,
      id: 'text',
      type: 'ui-text',
      group: 'group',
      label: 'Text',
      format: '{{msg.payload}}',
      order: 1,
    },
    ...{ width: 0, height: 0, layout: 'row-spread', wires: [] },
  },
  {
    ...{ ...AT, id: 'chart', type: 'ui-chart', group: 'group', label: 'Chart', chartType: 'line', order: 2 },
    ...{ category: 'topic', categoryType: 'msg', xAxisProperty: '', xAxisPropertyType: 'timestamp' },
    ...{ xAxisType: 'time', yAxisProperty: 'payload', yAxisPropertyType: 'msg', action: 'append' },
    ...{ removeOlder: 1, removeOlderUnit: '3600', width: 6, height: 4, wires: [[]] },
    ...{ colors: ['#0095ff'], textColor: ['#666666'], textColorDefault: true, gridColor: ['#e5e5e5'] },
    ...{
      gridColorDefault: true,
      pointShape: 'circle',
      pointRadius: 4,
      showLegend: true,
      interpolation: 'linear',
    },
    ...{
      xmin: '',
      xmax: '',
      ymin: '',
      ymax: '',
      bins: 10,
      stackSeries: false,
      removeOlderPoints: '',
      className: '',
    },
  },
  {
    ...{ ...AT, id: 'form', type: 'ui-form', group: 'group', label: 'Form', order: 3, width: 0, height: 0 },
    ...{
      options: [{ key: 'batch', label: 'Batch', type: 'text', required: false }],
      formValue: { batch: '' },
    },
    ...{ submit: 'Send', cancel: 'Clear', resetOnSubmit: false, topic: 'topic', topicType: 'msg' },
    ...{ dropdownOptions: [], wires: [['do-batch']] },
  },
  {
    ...AT,
    id: 'log',
    type: 'debug',
    active: true,
    console: true,
    complete: 'payload',
    targetType: 'msg',
    wires: [],
  },
  ...action(
    'write',
    "global.get('dashboardStore').slider = 5; global.set('dashboardStore.gauge', 6); return { payload: 'written' };",
    [],
    LIVE,
  ),
  ...action('read', READ),
  ...action('measure', "return { topic: 'press', payload: 71.5, ui_update: { label: 'Press' } };", [
    'text',
    'chart',
  ]),
  ...action('batch', "return { payload: 'form ' + msg.payload.batch };"),
  ...action('late', "global.set('shift', 'late'); return { payload: 'done' };"),
  ...action('shift', "return { payload: 'shift ' + global.get('shift') };"),
  ...action('speed', "global.set('line.speed', 5); return { payload: 'done' };"),
  ...action('heat', "global.set('line.heat', 80); return { payload: 'done' };"),
  ...action(
    'line',
    "return { payload: 'line ' + ['speed', 'heat'].map((one) => String(global.get('line.' + one))).join(' ') };",
  ),
];

describe('FlowFuse Dashboard with the shared context', () => {
  let emulator: Emulator;
  let a: NodeRed;
  let b: NodeRed;

  before(async function () {
    requireDashboard(this);
    emulator = await Emulator.start({ port: 0 });
    const contextStorage = `{
      default: 'shared',
      shared: {
        module: require('@edgestate/node-red-statestore/context'),
        config: { host: '127.0.0.1', port: ${emulator.port}, parts: ['line'] },
      },
    }`;
    const start = () => NodeRed.start({ userDir: newUserDir(), modules: dashboardModules(), contextStorage });
    [a, b] = await Promise.all([start(), start()]);
    for (const one of [a, b]) await one.deploy(FLOW);
  });
  after(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    await emulator?.close();
  });

  /** Presses a button of an instance; resolves with the line that it then logs. */
  async function press(one: NodeRed, id: string, shows: RegExp): Promise<string> {
    const after = one.lines.all.length;
    await one.inject(id);
    return one.lines.find(shows, after);
  }
  /** Presses it until the line is as wanted: changes of the other instance arrive a moment later. */
  async function until(one: NodeRed, id: string, wanted: RegExp, any: RegExp): Promise<void> {
    while (!wanted.test(await press(one, id, any)))
      await once(one.lines, 'line', { signal: AbortSignal.timeout(200) }).catch(() => undefined);
  }
  async function restart(one: NodeRed): Promise<void> {
    await one.end('SIGTERM');
    await one.again();
  }
  /** What Dashboard holds for a widget: its last message, or the messages of a chart. */
  const dataOf = (one: NodeRed, widget: string) =>
    one.api<unknown>('GET', `/dashboard/_debug/datastore/${widget}`).catch(() => undefined);
  const stateOf = (one: NodeRed, widget: string) =>
    one.api<unknown>('GET', `/dashboard/_debug/statestore/${widget}`).catch(() => undefined);

  it('its store in the global context stays a live object, with values of its own in each instance', async () => {
    await press(a, 'write', /written$/);
    await press(a, 'read', /store 5 6 2$/);
    await press(b, 'read', /store undefined undefined 0$/);
    await restart(a);
    await press(a, 'read', /store undefined undefined 0$/);
    const complaints = [a, b].flatMap(({ lines }) => lines.all.filter((line) => /dashboardStore/.test(line)));
    assert.deepEqual(complaints, []);
  });

  it('widget state and chart data are in one instance only, and end with it', async () => {
    await press(a, 'measure', /71\.5$/);
    assert.match(JSON.stringify(await dataOf(a, 'text')), /71\.5/);
    assert.match(JSON.stringify(await dataOf(a, 'chart')), /71\.5/);
    assert.match(JSON.stringify(await stateOf(a, 'text')), /Press/);
    const none = async (one: NodeRed) => {
      for (const [read, widget] of [
        [dataOf, 'text'],
        [dataOf, 'chart'],
        [stateOf, 'text'],
      ] as const)
        assert.doesNotMatch(JSON.stringify(await read(one, widget)) ?? '', /71\.5|Press/);
    };
    await none(b);
    await restart(a);
    await none(a);
  });

  it('form values go to the instance of the browser', async () => {
    const browser = await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: ['--headless=shell', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(30_000);
      const complaints: string[] = [];
      page.on('pageerror', ({ message }) => complaints.push(message));
      followPage(page, complaints);
      await page.goto(`${a.base}/dashboard/page`);
      await page.locator('.nrdb-ui-form input').fill('B17');
      await page.locator('.nrdb-ui-form button', { hasText: 'Send' }).click();
      await a.lines.find(/form B17$/);
      assert.equal(
        b.lines.all.some((line) => /form B17/.test(line)),
        false,
      );
    } finally {
      await browser.close();
    }
  });

  it('what flows put into the context is in both, and survives a restart', async () => {
    await press(a, 'late', /done$/);
    await until(b, 'shift', /shift late$/, /shift \w+$/);
    await restart(b);
    await press(b, 'shift', /shift late$/);
  });

  it('an object in parts keeps the properties that each instance set', async () => {
    await Promise.all([press(a, 'speed', /done$/), press(b, 'heat', /done$/)]);
    for (const one of [a, b]) await until(one, 'line', /line 5 80$/, /line \w+ \w+$/);
    await restart(a);
    await press(a, 'line', /line 5 80$/);
  });
});
