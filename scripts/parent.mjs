const parent = process.ppid;

/**
 * Calls `stop` when the parent process has ended. npm starts a shell that starts the program, and a shell that is ended sends no
 * signal: "kill" of npm would leave Node-RED behind.
 */
export function whenParentEnds(stop) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 500);
  timer.unref();
}
