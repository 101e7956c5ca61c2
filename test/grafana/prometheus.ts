/** A real Prometheus in a process of its own, which scrapes Node-RED. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, waitForPort } from '../support/ports';

/** One series of an answer. */
export interface Series {
  labels: Record<string, string>;
  /** Time in seconds, and the value. */
  values: [time: number, value: number][];
}

export interface Scraped {
  /** The label `instance` of its series. */
  instance: string;
  /** Where its Node-RED is. */
  base: string;
}

export interface Range {
  startSeconds: number;
  endSeconds: number;
  stepSeconds: number;
}

export const REMEDY = 'Debian: apt-get install prometheus';

export function isInstalled(program: 'prometheus' | 'promtool'): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

export class Prometheus {
  readonly #base: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(base: string, child: ChildProcess, directory: string) {
    this.#base = base;
    this.#child = child;
    this.#directory = directory;
  }

  /** Prometheus reads JSON, which is YAML. */
  static async start(scraped: readonly Scraped[], intervalMs: number): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
    const file = join(directory, 'prometheus.yml');
    const targets = scraped.map(({ instance, base }) => ({
      targets: [new URL(base).host],
      labels: { instance },
    }));
    const job = { job_name: 'node-red', metrics_path: '/statestore/metrics', static_configs: targets };
    const interval = `${intervalMs}ms`;
    const global = { scrape_interval: interval, scrape_timeout: interval };
    writeFileSync(file, JSON.stringify({ global, scrape_configs: [job] }));
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    await waitForPort(port);
    return new Prometheus(`http://127.0.0.1:${port}`, child, directory);
  }

  /** What Grafana asks for a panel over time. */
  async queryRange(query: string, { startSeconds, endSeconds, stepSeconds }: Range): Promise<Series[]> {
    const body = new URLSearchParams({
      ...{ query, start: String(startSeconds), end: String(endSeconds), step: String(stepSeconds) },
    });
    const response = await fetch(`${this.#base}/api/v1/query_range`, { method: 'POST', body });
    if (!response.ok) throw new Error(`${query}: ${response.status} ${await response.text()}`);
    const { data } = (await response.json()) as {
      data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
    };
    return data.result.map(({ metric, values }) => ({
      labels: metric,
      values: values.map(([time, value]) => [time, Number(value)]),
    }));
  }

  async stop(): Promise<void> {
    const exited = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.kill('SIGTERM');
    await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
