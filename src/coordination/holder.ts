const UUID_END = /:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Who holds a lease, for people: the holder without the UUID that tells the leases of one client apart. */
export function holderName(holder: string): string {
  return holder.replace(UUID_END, '');
}
