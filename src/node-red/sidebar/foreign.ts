/** Whether a request comes from a page of another site: the user of an editor may have such a page open as well. */

export interface RequestSource {
  /** Header `Origin`. */
  origin?: string | undefined;
  /** Header `Sec-Fetch-Site`; browsers send it to `https` and `localhost` only. */
  site?: string | undefined;
  /** Headers `Host` and `X-Forwarded-Host`. */
  hosts: readonly (string | undefined)[];
}

export function isForeign({ origin, site, hosts }: RequestSource): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  // Programs send no origin, and browsers none with a GET of the same site.
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true;
  const { host, hostname } = new URL(origin);
  // A proxy may pass the host on without its port.
  return !hosts.some((one) => one !== undefined && (one === host || one === hostname));
}
