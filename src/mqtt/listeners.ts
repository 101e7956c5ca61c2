/**
 * Calls the listeners of an event in their order. The error of a listener is raised as an uncaught exception in the next turn, so that it
 * neither interrupts the caller nor keeps the event from the other listeners.
 */
export function callListeners<Values extends unknown[]>(
  emitter: object,
  listeners: readonly ((...values: Values) => void)[],
  ...values: Values
): void {
  for (const listener of listeners) {
    try {
      listener.apply(emitter, values);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
