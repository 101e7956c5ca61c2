/** The last version that this instance ran, on its own disk: it starts from this copy while the store is away. */
import { stat } from 'node:fs/promises';
import { messageOf } from '../errors';
import type { FlowVersion } from './flow-index';
import { readJson, writeJson } from './json-file';
import { join } from './parts';

const FORMAT = 1;

/** A version with its sequence and its bytes. */
export interface LoadedVersion {
  readonly version: FlowVersion;
  readonly sequence: number;
  /** JSON with `flows` and `credentials`. */
  readonly content: Buffer;
}

export class LocalCopy {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Returns `undefined` if there is no copy. Throws an error that names the file if the copy is damaged. */
  async read(): Promise<LoadedVersion | undefined> {
    const name = `The copy of the flows in ${this.path}`;
    let file: unknown;
    try {
      file = await readJson(this.path);
    } catch (cause) {
      throw new Error(`${name} cannot be read: ${messageOf(cause)}.`, { cause });
    }
    if (file === undefined) return undefined;
    const { format, sequence, version, content } = file as Record<string, unknown>;
    if (format !== FORMAT || typeof sequence !== 'number' || typeof content !== 'string' || !version)
      throw new Error(`${name} is not of format ${FORMAT}.`);
    const bytes = join([Buffer.from(content)], version as FlowVersion, name);
    return { version: version as FlowVersion, sequence, content: bytes };
  }

  /** Time of the last {@link write}, in milliseconds since 1970. */
  async changedAt(): Promise<number> {
    return (await stat(this.path)).mtimeMs;
  }

  async write({ version, sequence, content }: LoadedVersion): Promise<void> {
    await writeJson(this.path, { format: FORMAT, sequence, version, content: content.toString('utf8') });
  }
}
