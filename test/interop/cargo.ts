/** Builds the Rust program of this folder; README.md there. */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/node-red';
import { type Skip, skipWithout } from '../support/skips';

const DIRECTORY = join(ROOT, 'test', 'interop');
/** `rust-version` of the crates. */
const OLDEST = '1.88';
/** A first build fetches and compiles some 170 crates. */
const PATIENCE_MS = 15 * 60_000;

/** What cargo says where it cannot build for want of something outside of this folder. */
const WANTED: [sign: RegExp, why: string, remedy: string][] = [
  [
    /failed to run custom build command for `openssl-sys|linker `cc` not found/,
    'no C compiler, or no OpenSSL to build with',
    'Debian: apt-get install gcc pkg-config libssl-dev',
  ],
  [
    /failed to (download|get|fetch|query)|unable to update registry/i,
    'the crates cannot be fetched',
    'connect this machine to a registry of crates once',
  ],
];

/** Call it in `before`: resolves with the program's path; what is built stays for the next time. */
export async function buildProgram(context: Mocha.Context): Promise<string> {
  context.timeout(PATIENCE_MS);
  const built = await build('dev');
  if ('why' in built) skipWithout(context, built);
  return built.program;
}

/** The program's path, or why it cannot be built. */
export async function build(profile: 'dev' | 'release'): Promise<{ program: string } | Skip> {
  const lacking = lackOfCargo();
  if (lacking) return lacking;
  try {
    const parameters = ['build', '--locked', '--profile', profile, '--target-dir', 'target'];
    await promisify(execFile)('cargo', parameters, { cwd: DIRECTORY, maxBuffer: 2 ** 24 });
  } catch (error) {
    const { stderr } = error as { stderr: string };
    const wanted = WANTED.find(([sign]) => sign.test(stderr));
    if (wanted) return { why: wanted[1], remedy: wanted[2] };
    throw new Error(`cargo build failed: ${stderr}`);
  }
  const folder = profile === 'dev' ? 'debug' : profile;
  return { program: join(DIRECTORY, 'target', folder, 'statestore-interop') };
}

function lackOfCargo(): Skip | undefined {
  const remedy = `https://rustup.rs, or Debian 13: apt-get install rustup && rustup default stable`;
  let version: string;
  try {
    version = execFileSync('cargo', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return { why: 'cargo is not installed', remedy };
  }
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(version)?.[0] ?? '').split('.').map(Number);
  const [, oldest = 0] = OLDEST.split('.').map(Number);
  return major === 1 && minor < oldest ? { why: `cargo is older than ${OLDEST}`, remedy } : undefined;
}
