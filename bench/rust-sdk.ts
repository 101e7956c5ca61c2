/** `rust-sdk`: the state store client that Microsoft publishes for Rust, through the program of test/interop. */
import { build } from '../test/interop/cargo';
import { RustClient } from '../test/interop/rust-client';
import type { Measured } from './children';
import type { Job, Measurement } from './measure';

/** Builds the program, which takes minutes the first time. Nothing, said loudly, where that cannot be. */
export async function startRustSdk(port: number): Promise<Measured | undefined> {
  const built = await build('release');
  if ('why' in built) {
    console.error(`\n!! SKIPPED: no comparison with Rust (${built.why}: ${built.remedy})\n`);
    return undefined;
  }
  const client = await RustClient.start(built.program, port, `rust-sdk-${process.pid}`);
  return {
    name: 'rust-sdk',
    measure: (job: Job): Promise<Measurement> => client.load(job),
    stop: () => client.stop(),
  };
}
