/** How a connection is secured, and who logs in. */

/** MQTT 5 authentication method of Kubernetes service account tokens. */
export const SAT_METHOD = 'K8S-SAT';

/** TLS to the broker. Files are read before each attempt to connect. A file wins over the value beside it. */
export interface TlsOptions {
  /** Path of the PEM file with the authorities that may sign the broker's certificate. Default: those of Node.js. */
  caFile?: string;
  /** The authorities that may sign the broker's certificate, as PEM. */
  ca?: string | Buffer;
  /** Path of the PEM file with the client's certificate. */
  certFile?: string;
  /** The client's certificate, as PEM. */
  cert?: string | Buffer;
  /** Path of the PEM file with the key of the client's certificate. */
  keyFile?: string;
  /** The key of the client's certificate, as PEM. */
  key?: string | Buffer;
  /** Path of a UTF-8 file with the password of the key. The end of its last line does not belong to the password. */
  keyPasswordFile?: string;
  /** Password of the key. */
  passphrase?: string;
  /** Name to ask for (SNI) and to verify. Default: the host; an IP address is verified, and not asked for. */
  servername?: string;
  /** Protocols to offer to the server (ALPN). Default: none. */
  ALPNProtocols?: string[];
  /** Whether the broker's certificate must be valid. Default true. False: the certificate is not verified (insecure). */
  verify?: boolean;
}

/** How to log in. Default: anonymous. A token excludes a username and a password. */
export interface Login {
  /** Username. Default: none. */
  username?: string;
  /** Password of the user. Default: none. */
  password?: string;
  /** Path of a UTF-8 file with the password, read before each attempt. The end of its last line does not belong to the password. */
  passwordFile?: string;
  /**
   * Path of a Kubernetes service account token, for MQTT 5 enhanced authentication with the method `K8S-SAT`. Read before
   * each attempt and watched: a changed token re-authenticates the live connection.
   */
  tokenFile?: string;
}
