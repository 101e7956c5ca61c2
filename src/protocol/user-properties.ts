/** Names of the MQTT user properties of a request and its response: docs/protocol.md section 1. */

/** Hybrid logical clock of the sender; in a response the version of the value. */
export const TIMESTAMP = '__ts';
/** Fencing token of a SET, DEL or VDEL. */
export const FENCING_TOKEN = '__ft';
/** Client ID of the requester. */
export const SOURCE_ID = '__srcId';
export const PROTOCOL_VERSION = '__protVer';
export const PARTITION = '$partition';
/** Control traffic may bypass the broker's backpressure; brokers that do not know it ignore it. */
export const HIGH_PRIORITY = '$high_priority';
/** HTTP-like status of a response: 200 is success, 400 and more an error. */
export const STATUS = '__stat';
export const STATUS_MESSAGE = '__stMsg';
/** Which property of a request is wrong, and what it was. */
export const INVALID_PROPERTY_NAME = '__propName';
export const INVALID_PROPERTY_VALUE = '__propVal';
/** Major versions of the protocol that the store knows, when it does not know that of the request. */
export const SUPPORTED_VERSIONS = '__supProtMajVer';

/** User properties as MQTT.js hands them over. */
export type UserProperties = Readonly<Record<string, string | string[]>>;

/** The value of a user property; the first one when it was sent more than once. */
export function userProperty(properties: UserProperties | undefined, name: string): string | undefined {
  const value = properties?.[name];
  return Array.isArray(value) ? value[0] : value;
}
