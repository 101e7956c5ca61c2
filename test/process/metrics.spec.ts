/** The metrics of a real Node-RED under load, as Prometheus, Grafana and the log of Node-RED get them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import parse from 'parse-prometheus-text-format';
import { Emulator } from '../../src/emulator';
import { answersOf } from '../grafana/answers';
import { buildDashboard } from '../grafana/dashboard';
import { isInstalled, Prometheus, REMEDY } from '../grafana/prometheus';
import { addSelected, labelsOfLegend, queriesOf, type Selected } from '../grafana/queries';
import { NodeRed } from '../support/node-red';
import { type SatBroker, startSatBroker } from '../support/sat-broker';
import { skipWithout } from '../support/skips';

/** A key that must be in no metric. */
const KEY = 'secret-recipe';
const TOKEN = `head.${Buffer.from('{"exp":4102444800}').toString('base64url')}.signature`;
/** A lock node holds one lock. An update node may have one, too. */
const ONE_LOCK_HELD = /^statestore_locks_held\{.*store="Plant"\} [12]$/m;
const TWO_WAIT = /^statestore_lock_requests_waiting\{.*store="Plant"\} [23]$/m;
const ONE_WRITE_FAILED = /^statestore_context_writes_failed_total\{.*store="shared context"\} 1$/m;
const SCRAPED_EVERY_MS = 200;
/** Prometheus has scraped Node-RED often by then. */
const MOST_MS = 15_000;
/** Prometheus adds these to what it scrapes. */
const OF_PROMETHEUS = ['instance', 'job'];

describe('The metrics of Node-RED under load', () => {
  let directory: string;
  let emulator: Emulator;
  let sat: SatBroker;
  let nodeRed: NodeRed;
  let prometheus: Prometheus | undefined;
  const startSeconds = Date.now() / 1000;
  const scrapes: string[] = [];

  const scrape = async () => (await fetch(`${nodeRed.base}/statestore/metrics`)).text();
  const flows = () => {
    const node = (id: string, type: string, more: object) => ({ id, type, z: 'tab', wires: [[]], ...more });
    return [
      { id: 'tab', type: 'tab', label: 'Line 1' },
      {
        ...{
          id: 'plant',
          type: 'statestore-config',
          name: 'Plant',
          host: '127.0.0.1',
          port: String(sat.port),
        },
        ...{ login: 'token', tokenFile: join(directory, 'token') },
      },
      node('tick', 'inject', {
        ...{ once: true, onceDelay: '0', repeat: '0.05', props: [] },
        wires: [['many', 'wrong']],
      }),
      node('many', 'function', {
        ...{ outputs: 1, func: `for (let n = 0; n < 20; n++) node.send({ payload: n });` },
        wires: [['set', 'get', 'update']],
      }),
      node('set', 'statestore-set', {
        ...{ store: 'plant', key: KEY, keyType: 'str', value: 'payload', valueType: 'msg' },
      }),
      node('get', 'statestore-get', { store: 'plant', key: KEY, keyType: 'str' }),
      node('update', 'statestore-update', {
        ...{ store: 'plant', key: 'count', keyType: 'str', change: 'add', amount: '1', amountType: 'num' },
      }),
      // The key is changed by updates, so the store refuses this one.
      node('wrong', 'statestore-set', {
        ...{ store: 'plant', key: 'count', keyType: 'str', value: '0', valueType: 'num' },
      }),
      node('observe', 'statestore-observe', {
        ...{
          store: 'plant',
          mode: 'fixed',
          keys: KEY,
          format: 'auto-detect',
          current: true,
          onlyChanges: true,
        },
      }),
      // Each of three messages wants to hold the lock for a minute.
      node('start', 'inject', { once: true, onceDelay: '0', props: [], wires: [['three', 'large']] }),
      node('three', 'function', {
        ...{ outputs: 1, func: `for (let n = 0; n < 3; n++) node.send({});`, wires: [['lock']] },
      }),
      node('lock', 'statestore-lock', {
        ...{ store: 'plant', key: `${KEY}/lock`, keyType: 'str', wait: '60', limit: '60', lease: '10' },
      }),
      node('large', 'function', {
        ...{ outputs: 1, func: `global.set('${KEY}', 'x'.repeat(5_000_000), 'shared');` },
      }),
      node('role', 'statestore-leader', { store: 'plant', role: 'role/line1', lease: '10' }),
    ];
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'metrics-'));
    writeFileSync(join(directory, 'token'), TOKEN);
    emulator = await Emulator.start({ port: 0 });
    sat = await startSatBroker(emulator.port, TOKEN);
    nodeRed = await NodeRed.start({
      settings: { logging: { console: { level: 'info', metrics: true } } },
      contextStorage: `{
        default: 'memory',
        memory: { module: 'memory' },
        shared: {
          module: require('@edgestate/node-red-statestore/context'),
          config: { host: '127.0.0.1', port: ${emulator.port} },
        },
      }`,
    });
    if (isInstalled('prometheus'))
      prometheus = await Prometheus.start([{ instance: 'line1', base: nodeRed.base }], SCRAPED_EVERY_MS);
    await nodeRed.deploy(flows());
    await nodeRed.lines.find(/Active for the role/);
    emulator.rejectPublishes({ durationMs: 60_000, share: 0.1 });
    const isComplete = (text: string) =>
      [
        ...[
          /^statestore_publishes_rejected_total\{.*\} [1-9]/m,
          /error_type=/,
          /^statestore_clock_offset_seconds/m,
        ],
        ...[ONE_LOCK_HELD, TWO_WAIT, ONE_WRITE_FAILED],
      ].every((one) => one.test(text));
    while (scrapes.length < 20 || !isComplete(scrapes.at(-1) as string)) scrapes.push(await scrape());
  });

  after(async () => {
    await prometheus?.stop();
    await nodeRed?.stop();
    await sat?.close();
    await emulator?.close();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  it('are read by a parser at any moment, and count up', () => {
    let before = 0;
    for (const text of scrapes) {
      const families = parse(text);
      assert.ok(families.every(({ help, type }) => help !== '' && /^(GAUGE|COUNTER|HISTOGRAM)$/.test(type)));
      const counts = text.matchAll(/^db_client_operation_duration_seconds_count\{.*\} (\d+)$/gm);
      const total = [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
      assert.ok(total >= before, `${total} is less than ${before}`);
      before = total;
    }
    assert.ok(before > 100, `${before} requests`);
  });

  it('contain no key and no token', () => {
    for (const text of scrapes) assert.doesNotMatch(text, new RegExp(`${KEY}|count"|${TOKEN}`));
  });

  it('count locks that are held and waited for, and context writes that are pending and failed', () => {
    const text = scrapes.at(-1) as string;
    for (const one of [ONE_LOCK_HELD, TWO_WAIT, ONE_WRITE_FAILED]) assert.match(text, one);
    assert.match(text, /^statestore_context_writes_pending\{.*store="shared context"\} 0$/m);
    assert.doesNotMatch(text, /^statestore_context_\w+\{.*store="Plant"/m);
  });

  it('follow the rules that promtool checks', function () {
    if (!isInstalled('promtool')) skipWithout(this, { why: 'promtool is not installed', remedy: REMEDY });
    // Fails, and prints why, if a rule is broken.
    execFileSync('promtool', ['check', 'metrics'], { input: scrapes.at(-1), encoding: 'utf8' });
  });

  it('are those, with the labels, that the dashboard for Grafana shows', () => {
    const selected: Selected = new Map();
    const dashboard = buildDashboard();
    for (const { expr, legendFormat } of queriesOf(dashboard)) {
      const own: Selected = new Map();
      addSelected(expr, own);
      for (const [metric, labels] of own) {
        const all = [...labels, ...labelsOfLegend(legendFormat)];
        selected.set(metric, new Set([...(selected.get(metric) ?? []), ...all]));
      }
    }
    for (const { query } of dashboard.templating.list ?? []) {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(String(query)) ?? [];
      if (!selector || !label) continue;
      addSelected(selector, selected);
      selected.get('statestore_connected')?.add(label);
    }
    const present = labelsOf(scrapes.at(-1) as string);
    for (const [metric, labels] of selected) {
      const has = present.get(metric);
      assert.ok(has, `${metric} is in no scrape`);
      const missing = [...labels].filter((label) => !has.has(label) && !OF_PROMETHEUS.includes(label));
      assert.deepEqual(missing, [], metric);
    }
    const unused = [...present.keys()].filter((name) => !selected.has(name));
    assert.deepEqual(unused, [], 'the dashboard shows every metric');
  });

  it('give every query of the dashboard for Grafana an answer with numbers, from a real Prometheus', async function () {
    if (!prometheus) skipWithout(this, { why: 'Prometheus is not installed', remedy: REMEDY });
    const giveUp = Date.now() + MOST_MS;
    let empty: string[];
    do {
      const range = { startSeconds, endSeconds: Date.now() / 1000, stepSeconds: 0.5 };
      const panels = await answersOf(buildDashboard(), prometheus, range, 1);
      empty = panels.flatMap(({ panel, answers }) =>
        answers
          .filter(({ series }) => !series.some(({ values }) => values.some(([, n]) => Number.isFinite(n))))
          .map(({ expr }) => `${panel.title}: ${expr}`),
      );
    } while (empty.length > 0 && Date.now() < giveUp);
    assert.deepEqual(empty, []);
  });

  it('are in the log of Node-RED, with the duration of each message', async () => {
    const line = await nodeRed.lines.find(/node\.statestore-get\.duration\.millis/);
    const metric = JSON.parse(line.slice(line.indexOf('{'))) as { nodeid: string; value: number };
    assert.equal(metric.nodeid, 'get');
    assert.ok(metric.value > 0 && metric.value < 60_000, line);
    // A message that failed has a duration, too.
    await nodeRed.lines.find(/"nodeid":"wrong","event":"node\.statestore-set\.duration\.millis"/);
  });
});

/** The labels of each series, read line by line. */
function labelsOf(text: string): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const [, metric = '', all = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(metric) ?? new Set();
    for (const [, label = ''] of all.matchAll(/(\w+)="/g)) known.add(label);
    labels.set(metric, known);
  }
  return labels;
}
