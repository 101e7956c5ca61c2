/** The address of a broker as people enter or paste it: a host name, `[::1]`, `host:1883`, or a URL. */

export interface Address {
  host: string;
  /** If the text has one. */
  port?: number;
  /** `mqtts:` and the like: the address is one of TLS. */
  tls?: true;
}

/** What is wrong with an address, as the end of a sentence that begins with "The host of this store". */
export class AddressError extends Error {}

const PLAIN_SCHEMES = ['mqtt', 'tcp'];
const TLS_SCHEMES = ['mqtts', 'ssl', 'tls'];
const URL_LIKE = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is;

/** Throws {@link AddressError}, which never contains a username or password. */
export function readAddress(text: string): Address {
  const [, scheme = '', rest = ''] = URL_LIKE.exec(text.trim()) ?? [];
  if (rest.includes('@'))
    throw new AddressError('contains a username or password. Enter them in their own fields');
  const isTls = TLS_SCHEMES.includes(scheme.toLowerCase());
  if (scheme !== '' && !isTls && !PLAIN_SCHEMES.includes(scheme.toLowerCase()))
    throw new AddressError(
      `begins with ${scheme}://, but must be a host name, an IP address, or a URL with mqtt:// or mqtts://`,
    );
  const { host, port } = split(rest.replace(/\/$/, ''));
  return { host, ...(port !== undefined && { port }), ...(isTls && { tls: true }) };
}

function split(text: string): { host: string; port?: number } {
  const inBrackets = /^\[([^[\]]+)\](?::(\d+))?$/.exec(text);
  // Several colons without brackets: an IPv6 address.
  const named = inBrackets ?? (/:.*:/.test(text) ? undefined : /^([^:/?#\s]+)(?::(\d+))?$/.exec(text));
  if (named) {
    const [, host = '', port] = named;
    if (port === undefined) return { host };
    if (Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) };
    throw new AddressError(`has the port ${port}, but a port is a number from 1 to 65535`);
  }
  if (/^[\da-f:.]+(%\w+)?$/i.test(text)) return { host: text };
  throw new AddressError('is not a host name or an IP address. A path or a topic does not belong to it');
}
