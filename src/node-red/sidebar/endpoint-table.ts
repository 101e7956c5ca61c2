/** All admin endpoints of this package. SECURITY.md has the same table for people; a test compares them. */

type Method = 'get' | 'post' | 'put' | 'delete';
type Permission = 'statestore.read' | 'statestore.write' | 'flows.write';

export interface EndpointFacts {
  method: Method;
  /** Below `/statestore/`. */
  path: string;
  /** All of them are needed. */
  permissions: readonly Permission[];
  /** Has a body, which must be JSON. */
  json: boolean;
}

export const ENDPOINTS = {
  stores: { method: 'get', path: 'stores', permissions: ['statestore.read'], json: false },
  readiness: { method: 'get', path: 'readiness', permissions: ['statestore.read'], json: false },
  namedKeys: {
    method: 'get',
    path: 'stores/:id/named-keys',
    permissions: ['statestore.read'],
    json: false,
  },
  testDeployed: { method: 'post', path: 'stores/:id/test', permissions: ['statestore.write'], json: true },
  // It uses the files and variables that the request names, as a deploy would.
  test: { method: 'post', path: 'test', permissions: ['flows.write', 'statestore.write'], json: true },
  openWatch: { method: 'post', path: 'watches', permissions: ['statestore.read'], json: true },
  renewWatch: { method: 'put', path: 'watches/:id', permissions: ['statestore.read'], json: true },
  listKeys: { method: 'get', path: 'watches/:id/keys', permissions: ['statestore.read'], json: false },
  endWatch: { method: 'delete', path: 'watches/:id', permissions: ['statestore.read'], json: false },
  value: { method: 'post', path: 'value', permissions: ['statestore.read'], json: true },
  set: { method: 'post', path: 'set', permissions: ['statestore.write'], json: true },
  delete: { method: 'post', path: 'delete', permissions: ['statestore.write'], json: true },
} as const satisfies Record<string, EndpointFacts>;

export type EndpointName = keyof typeof ENDPOINTS;
