/** Bytes from stdin and to stdout, and lines for people to stderr. */
import { createInterface } from 'node:readline';
import { printableText } from './printable';

/** stdout or stdin failed. `EPIPE` on stdout: its reader has ended. */
export class StreamError extends Error {
  readonly code: string | undefined;

  constructor(problem: string, cause: NodeJS.ErrnoException) {
    super(`${problem}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

export async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new StreamError('stdin cannot be read', error as NodeJS.ErrnoException);
  }
  return Buffer.concat(chunks);
}

/** Resolves when the bytes are written. */
export async function writeStdout(bytes: Buffer | string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) =>
      error ? reject(new StreamError('stdout cannot be written', error)) : resolve(),
    );
  });
}

/** Asks on stderr, and reads the answer of a person from stdin. Anything but "y" or "yes" is a no. */
export async function askYesNo(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
      lines.question(`${printableText(question)} [y/N] `, resolve);
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** Prints one line on stderr, with any text. */
export function printMessage(text: string): void {
  process.stderr.write(`statestore: ${printableText(text.replace(/\s+/g, ' ').trim())}\n`);
}
