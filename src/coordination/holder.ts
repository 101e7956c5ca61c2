const UUID_END = /:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Who holds a lease, for people: the holder without the UUID that tells the leases of one client apart. */
export function holderName(holder: string): string {
  return holder.replace(UUID_END, '');
}

/** Whether a value is what a holder stores under the key of its lease. */
export function isHolder(value: string): boolean {
  return UUID_END.test(value);
}
