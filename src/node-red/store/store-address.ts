/** The address of a store, for people. */
import { fieldText } from '../words/field-text';
import { AddressError, readAddress } from './address';
import type { StoreSettings } from './settings';

/** `host:port`; `movedTo`: the port of its emulator, if that is another one. Without what is not an address, such as a password. */
export function addressOf({ host, port }: StoreSettings, movedTo: number | undefined): string {
  const given = fieldText(host).trim() || 'localhost';
  try {
    const address = readAddress(given);
    const shown = address.host.includes(':') ? `[${address.host}]` : address.host;
    return `${shown}:${movedTo ?? address.port ?? (fieldText(port) || 1883)}`;
  } catch (error) {
    if (error instanceof AddressError) return '';
    throw error;
  }
}
