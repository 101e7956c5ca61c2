/**
 * A server in a separate process: reports its port, and then, on request, its CPU time in microseconds, or, after a
 * garbage collection, its memory in MB.
 */
export type ServerReply = { port: number } | { cpu: number } | { memory: number };

export type ServerQuestion = 'cpu' | 'memory';

export function serve(port: number): void {
  process.on('message', (question: { what: ServerQuestion }) => {
    process.send?.((question.what === 'cpu' ? cpu() : memory()) satisfies ServerReply);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ port } satisfies ServerReply);
}

function cpu(): ServerReply {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system };
}

function memory(): ServerReply {
  if (!global.gc) throw new Error('run with node --expose-gc');
  global.gc();
  global.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { memory: (heapUsed + arrayBuffers) / 2 ** 20 };
}
