/** A `tls-config` node of Core. */
import type { Node, NodeAPI } from 'node-red';
import type { TlsOptions } from '../../mqtt/login';
import { variablesOf } from '../message/environment';
import { badSetting, SettingReader } from './setting-reader';

interface TlsConfigNode extends Node {
  /** Of a node in a subflow: its ID in the flow file. */
  _alias?: string;
  /** Adds what the node has read when it started. */
  addTLSOptions(options: object): {
    ca?: string | Buffer;
    cert?: string | Buffer;
    key?: string | Buffer;
    passphrase?: string;
    servername?: string;
    ALPNProtocols?: string[];
    rejectUnauthorized?: boolean;
  };
}

function isTlsConfig(node: object | null): node is TlsConfigNode {
  return node !== null && 'addTLSOptions' in node;
}

/** The options of the node with this ID. Throws `BAD_ARGUMENT` if there is no such node. */
export function tlsOfNode(RED: NodeAPI, id: string | undefined): TlsOptions {
  const node = id ? RED.nodes.getNode(id) : null;
  if (!isTlsConfig(node))
    throw badSetting('TLS configuration', 'is missing. Choose one, and deploy it before you test');
  const { rejectUnauthorized, ...options } = node.addTLSOptions({});
  return { ...options, ...filesOf(RED, node), verify: rejectUnauthorized !== false };
}

/**
 * The node reads its files once, when it starts, and leaves out what it cannot read. Certificates rotate, so the client reads them
 * itself, before each attempt to connect.
 */
function filesOf(RED: NodeAPI, node: TlsConfigNode): TlsOptions {
  const reader = new SettingReader(variablesOf(RED, node));
  let files: TlsOptions = {};
  RED.nodes.eachNode((def) => {
    if (def.id !== (node._alias ?? node.id)) return;
    const { ca, cert, key } = def as { ca?: string; cert?: string; key?: string };
    files = {
      ...reader.text('caFile', ca),
      ...reader.text('certFile', cert),
      ...reader.text('keyFile', key),
    };
  });
  return files;
}
