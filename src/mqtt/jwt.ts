/** When a token expires, read from the token itself. Nothing is verified: the broker does that. */

/** Milliseconds since 1970 of the claim `exp` (RFC 7519 section 4.1.4). Returns `undefined` if the token is not a JWT or has no such claim. */
export function expiryOf(token: Buffer): number | undefined {
  const payload = token.toString('latin1').split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
