/** The routes of admin endpoints: who may call them. What serves an endpoint is loaded with its first request. */
import type { Request, Response } from 'express';
import type { NodeAPI } from 'node-red';
import type { EndpointFacts } from './endpoint-table';

export type Handler = (request: Request, response: Response) => void;

/** `load` is called for each request. */
export function route(RED: NodeAPI, { method, path, permissions }: EndpointFacts, load: () => Handler): void {
  const allowed = permissions.map((permission) => RED.auth.needsPermission(permission));
  RED.httpAdmin[method](`/statestore/${path}`, ...allowed, (request: Request, response: Response) =>
    load()(request, response),
  );
}
