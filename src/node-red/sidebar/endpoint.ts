/** How every admin endpoint is served: from where it may be called, with which body, and what it responds. Nothing may be cached. */
import type { Request } from 'express';
import type { NodeAPI } from 'node-red';
import { messageOf, StateStoreError } from '../../errors';
import type { EndpointFacts } from './endpoint-table';
import { BODY, type Field } from './fields';
import { isForeign } from './foreign';
import type { RefusedResponse } from './protocol';
import { Refusal } from './refusal';
import type { Handler } from './route';

/** A request that has passed all checks. */
export interface Call<Body> {
  body: Body;
  /** The part `:id` of the path; empty if it has none. */
  id: string;
  query: Request['query'];
  /** The user who is logged in; `undefined` if Node-RED has no users. */
  user: string | undefined;
  request: Request;
}

/** Makes what serves an endpoint. `body` is its schema, of an endpoint without a body as well, where it reads `undefined`. */
export function handler<Body>(
  RED: NodeAPI,
  { json }: EndpointFacts,
  body: Field<Body>,
  handle: (call: Call<Body>) => unknown | Promise<unknown>,
): Handler {
  return (request, response) => {
    response.set('Cache-Control', 'no-store');
    Promise.resolve()
      .then(() => {
        check(RED, request, json);
        const { id = '' } = request.params;
        const { query } = request;
        return handle({
          body: body(request.body, BODY),
          id: String(id),
          query,
          user: userOf(RED, request),
          request,
        });
      })
      .then(
        (result) => response.json(result),
        (error) => response.status(statusOf(error)).json(refused(error)),
      );
  };
}

/** No body. */
export const nothing: Field<undefined> = () => undefined;

/** Refuses requests from pages of other sites, and a body that such a page could send without asking: a form, or plain text. */
function check(RED: NodeAPI, request: Request, json: boolean): void {
  const { settings } = RED as { settings: { httpAdminCors?: unknown } };
  const source = {
    origin: request.get('Origin'),
    site: request.get('Sec-Fetch-Site'),
    hosts: [request.get('Host'), request.get('X-Forwarded-Host')],
  };
  // This setting allows other sites, and Node-RED checks them.
  if (!settings.httpAdminCors && isForeign(source))
    throw new Refusal(
      403,
      'foreignOrigin',
      'The request comes from a page of another site. If a reverse proxy stands before Node-RED, set it to pass the Host header on.',
    );
  const type = request.is('application/json');
  // `null`: there is no body.
  if (json ? !type : type === false)
    throw new Refusal(415, 'badContentType', 'The body of the request must be JSON.');
}

function userOf(RED: NodeAPI, request: Request): string | undefined {
  const { settings } = RED as { settings: { adminAuth?: unknown } };
  if (!settings.adminAuth) return undefined;
  const { user } = request as { user?: { username?: string } };
  return user?.username ?? 'anonymous';
}

/** 409: the request is right, but the store or the way to it does not allow it. */
function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  if (!(error instanceof StateStoreError)) return 500;
  return error.code === 'BAD_ARGUMENT' ? 400 : 409;
}

function refused(error: unknown): RefusedResponse {
  if (error instanceof Refusal || error instanceof StateStoreError)
    return { error: error.message, code: error.code };
  return { error: messageOf(error) };
}
