/** Builds the Rust program of this folder; README.md there. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The crate's tests that apply to the emulator, and how many there are in each file, without {@link UNSTABLE_CRATE_TEST}. */
export const CRATE_TESTS = { state_store_client_test: 14, lease_client_tests: 11, lock_client_tests: 4 };
/**
 * It renews every 2 s, releases after two pauses of 3 s, and expects that no token is left. Its third renewal is due at that very moment, and stores
 * its token after the release if it was in flight. So the result depends on chance, with any broker.
 */
export const UNSTABLE_CRATE_TEST = 'lease_single_holder_acquires_a_lease_with_auto_renewal_network_tests';
const CRATE = 'azure_iot_operations_services';

/** Call it in `before`: resolves with the path of the program of each file of tests. */
export async function buildCrateTests(context: Mocha.Context): Promise<Record<string, string>> {
  context.timeout(PATIENCE_MS);
  const metadata = await cargo(DIRECTORY, ['metadata', '--locked', '--format-version', '1']);
  if (typeof metadata !== 'string') skipWithout(context, metadata);
  const { packages } = JSON.parse(metadata) as { packages: { name: string; manifest_path: string }[] };
  const source = packages.find(({ name }) => name === CRATE)?.manifest_path;
  if (!source) throw new Error(`Cargo.toml does not name ${CRATE}`);
  // cargo tests packages of its own only, so the crate becomes one.
  const copy = join(DIRECTORY, 'target', CRATE);
  cpSync(dirname(source), copy, { recursive: true });
  const tests = Object.keys(CRATE_TESTS).flatMap((name) => ['--test', name]);
  const features = ['--features', 'state_store,leased_lock'];
  const built = await cargo(copy, ['test', '--no-run', '--message-format', 'json', ...features, ...tests]);
  if (typeof built !== 'string') skipWithout(context, built);
  const lines = built.split('\n').filter((line) => line !== '');
  const messages = lines.map(
    (line) => JSON.parse(line) as { target?: { name: string }; executable?: string },
  );
  return Object.fromEntries(
    messages.flatMap(({ target, executable }) => (target && executable ? [[target.name, executable]] : [])),
  );
}

/** The program's path, or why it cannot be built. */
export async function build(profile: 'dev' | 'release'): Promise<{ program: string } | Skip> {
  const built = await cargo(DIRECTORY, ['build', '--locked', '--profile', profile, '--target-dir', 'target']);
  if (typeof built !== 'string') return built;
  const folder = profile === 'dev' ? 'debug' : profile;
  return { program: join(DIRECTORY, 'target', folder, 'statestore-interop') };
}

/** What cargo prints, or why it cannot work here. */
async function cargo(cwd: string, parameters: string[]): Promise<string | Skip> {
  const lacking = lackOfCargo();
  if (lacking) return lacking;
  try {
    return (await promisify(execFile)('cargo', parameters, { cwd, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    const { stderr } = error as { stderr: string };
    const wanted = WANTED.find(([sign]) => sign.test(stderr));
    if (wanted) return { why: wanted[1], remedy: wanted[2] };
    throw new Error(`cargo ${parameters[0]} failed: ${stderr}`);
  }
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
