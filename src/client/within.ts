import type { SignalListeners } from './signal-listeners';

export interface Limits {
  /** Milliseconds, 1 to 2147483647. */
  timeout: number;
  signal: AbortSignal | undefined;
}

/**
 * Settles as `work` does, unless the time is over or the signal is aborted before: then rejects with `late()`, or with the reason of the
 * signal. The work itself goes on.
 */
export function within<Result>(
  work: Promise<Result>,
  { timeout, signal }: Limits,
  signals: SignalListeners,
  late: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unlisten?.();
      reject(late());
    }, timeout);
    const unlisten =
      signal &&
      signals.add(signal, () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    const settled = () => {
      clearTimeout(timer);
      unlisten?.();
    };
    work.then(
      (result) => {
        settled();
        resolve(result);
      },
      (error) => {
        settled();
        reject(error);
      },
    );
  });
}
