import { MqttClient } from 'mqtt';
import { SAT_METHOD } from './login';

const RE_AUTHENTICATE = 0x19;
const CONTINUE = 0x18;

/** MQTT.js with what it lacks for a token that changes while connected (MQTT 5 section 4.12.1). */
export class AuthenticatingClient extends MqttClient {
  /** Called for every AUTH of the broker: 0x00 done, 0x18 not now. */
  onAuth: ((reasonCode: number) => void) | undefined;

  override handleAuth(...[packet, callback]: Parameters<MqttClient['handleAuth']>): void {
    const reasonCode = packet.reasonCode ?? 0;
    // 0x18 asks for more in general; here it means "try again later", and MQTT.js would take a missing answer for an error.
    if (reasonCode !== CONTINUE) callback();
    this.onAuth?.(reasonCode);
  }

  /**
   * Sends a new token on the live connection. Returns false where MQTT.js gives no way to do so.
   * MQTT.js has no public call for re-authentication; this is the one place that reaches inside.
   */
  reauthenticate(token: Buffer): boolean {
    const send: unknown = Reflect.get(this, '_sendPacket');
    if (typeof send !== 'function' || !this.connected) return false;
    const properties = { authenticationMethod: SAT_METHOD, authenticationData: token };
    send.call(this, { cmd: 'auth', reasonCode: RE_AUTHENTICATE, properties });
    return true;
  }
}
