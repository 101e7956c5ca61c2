/** The roles for which this instance is a candidate, for probes and metrics. */
import type { RoleHere } from './readiness';

const roles = new Map<object, RoleHere>();

/** Records whether the node has its role. Each node has an entry of its own. */
export function recordRole(node: object, role: string, active: boolean): void {
  if (roles.get(node)?.active === active) return;
  roles.set(node, { role, active, since: new Date().toISOString() });
}

export function forgetRole(node: object): void {
  roles.delete(node);
}

export function rolesHere(): RoleHere[] {
  return [...roles.values()];
}
