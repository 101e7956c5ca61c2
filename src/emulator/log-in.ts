/** Decides whether a client may connect, and as which user. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ReasonCode } from '../reason-codes';
import type { Principal, Rules } from './access/rules';
import { RequestReader } from './exchange';
import type { Connect } from './mqtt/connect-packet';

/** A client that is logged in. */
export interface Identity {
  principal: Principal;
  reader: RequestReader;
}

/** Returns the reason code of a refusal as a number. Without `rules` every client may connect. */
export function logIn(
  rules: Rules | undefined,
  clientId: string,
  { username, password }: Connect,
  socket: Socket,
): Identity | number {
  const reader = new RequestReader();
  if (!rules) return { principal: { clientId, attributes: {} }, reader };
  // With X.509, the common name is the username.
  const certificateName = username === undefined ? commonNameOf(socket) : undefined;
  const attributes =
    certificateName === undefined
      ? rules.logIn(username, password?.toString())
      : rules.attributesOf(certificateName);
  if (!attributes) return ReasonCode.BAD_CREDENTIALS;
  const name = username ?? certificateName;
  const principal = { clientId, attributes, ...(name !== undefined && { username: name }) };
  return rules.allowsBroker(principal, 'Connect') ? { principal, reader } : ReasonCode.NOT_AUTHORIZED;
}

/** The common name of the client's certificate, if the client showed one that the authorities signed. */
function commonNameOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
