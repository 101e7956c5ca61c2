/** A server in a process of its own: tells its port, and then, whenever asked, its CPU time so far in microseconds. */
export type ServerReply = { port: number } | { cpu: number };

export function serve(port: number): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpu: user + system } satisfies ServerReply);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ port } satisfies ServerReply);
}
