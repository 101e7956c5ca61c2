/** Options of a lease. */
export interface LeaseOptions {
  /** Milliseconds the store keeps the lease without a renewal, a whole number from 100 to 3600000. Default 10000. */
  duration?: number;
  /**
   * The text that the store keeps for the holder. Default: the client ID, a new UUID and the duration, so that two leases of one client
   * exclude each other. Two holders with the same text do not.
   */
  holder?: string;
  /** `name:uuid`, for several leases of one waiter. @internal */
  id?: string;
}
