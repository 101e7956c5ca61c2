const parent = process.ppid;

/**
 * Calls `stop` when what started this program has gone. npm starts a shell that starts the program, and a shell that is ended does not
 * tell: "kill" of npm would leave Node-RED behind.
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
