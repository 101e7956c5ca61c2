/** Whether this instance can do its work: its flows run, and every store that it uses answers. Pure. */

export interface ReadinessInput {
  flowsStarted: boolean;
  /** Parts by their names, and why they cannot be used now. */
  parts: readonly { name: string; problem: string | undefined }[];
  roles: readonly RoleHere[];
}

/** A role of an active/standby node of this instance. */
export interface RoleHere {
  role: string;
  active: boolean;
  /** Time of the last change, ISO 8601. */
  since: string;
}

export interface Readiness {
  ready: boolean;
  /** What has to change before this instance is ready. */
  problems: { part: string; problem: string }[];
  roles: RoleHere[];
}

/** An instance on standby is ready: it can take over. */
export function readinessOf({ flowsStarted, parts, roles }: ReadinessInput): Readiness {
  const problems = parts.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [{ part: name, problem }],
  );
  if (!flowsStarted) problems.unshift({ part: 'flows', problem: 'The flows are not running.' });
  return { ready: problems.length === 0, problems, roles: [...roles] };
}
