import { MqttClient } from 'mqtt';
import { ReasonCode } from '../reason-codes';
import { SAT_METHOD } from './login';

/** MQTT.js with what it lacks for a token that changes while connected (MQTT 5 section 4.12.1). */
export class AuthenticatingClient extends MqttClient {
  /** Called for every AUTH of the broker: SUCCESS, or CONTINUE_AUTHENTICATION for "not now". */
  onAuth: ((reasonCode: number) => void) | undefined;

  override handleAuth(...[packet, callback]: Parameters<MqttClient['handleAuth']>): void {
    const reasonCode = packet.reasonCode ?? 0;
    // CONTINUE_AUTHENTICATION asks for more in general; here it means "try again later", and MQTT.js would take a missing answer for an error.
    if (reasonCode !== ReasonCode.CONTINUE_AUTHENTICATION) callback();
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
    send.call(this, { cmd: 'auth', reasonCode: ReasonCode.RE_AUTHENTICATE, properties });
    return true;
  }
}
