import assert from 'node:assert/strict';
import { optionsFromEnvironment } from '../../../src/client/environment';

const COMPLETE = {
  AIO_BROKER_HOSTNAME: 'aio-broker.azure-iot-operations',
  AIO_BROKER_TCP_PORT: '18883',
  AIO_MQTT_CLIENT_ID: 'line-1',
  AIO_MQTT_KEEP_ALIVE: '30',
  AIO_MQTT_SESSION_EXPIRY: '600',
  AIO_TLS_CA_FILE: '/var/run/certs/ca.crt',
  AIO_SAT_FILE: '/var/run/secrets/tokens/broker-sat',
};

describe('Settings from the environment', () => {
  it('are those of the public clients', () => {
    assert.deepEqual(optionsFromEnvironment(COMPLETE), {
      host: 'aio-broker.azure-iot-operations',
      port: 18883,
      clientId: 'line-1',
      cleanStart: false,
      keepAlive: 30,
      sessionExpiry: 600,
      tls: { caFile: '/var/run/certs/ca.crt' },
      tokenFile: '/var/run/secrets/tokens/broker-sat',
    });
  });

  it('have the defaults of the public clients', () => {
    assert.deepEqual(optionsFromEnvironment({ AIO_BROKER_HOSTNAME: 'broker' }), {
      host: 'broker',
      port: 8883,
      cleanStart: false,
      keepAlive: 60,
      sessionExpiry: 3600,
      tls: {},
    });
  });

  it('take a username, a client certificate and plain TCP', () => {
    const options = optionsFromEnvironment({
      AIO_BROKER_HOSTNAME: 'broker',
      AIO_MQTT_USERNAME: 'me',
      AIO_MQTT_PASSWORD_FILE: '/p',
      AIO_TLS_CERT_FILE: '/c',
      AIO_TLS_KEY_FILE: '/k',
      AIO_TLS_KEY_PASSWORD_FILE: '/kp',
    });
    assert.deepEqual([options.username, options.passwordFile], ['me', '/p']);
    assert.deepEqual(options.tls, { certFile: '/c', keyFile: '/k', keyPasswordFile: '/kp' });
    assert.equal(optionsFromEnvironment({ AIO_BROKER_HOSTNAME: 'b', AIO_MQTT_USE_TLS: 'false' }).tls, false);
  });

  for (const [name, env, message] of [
    ['nothing', {}, /: AIO_BROKER_HOSTNAME is missing\.$/],
    [
      'a token and a user',
      { ...COMPLETE, AIO_MQTT_USERNAME: 'me' },
      /AIO_SAT_FILE and AIO_MQTT_USERNAME cannot be used together/,
    ],
    [
      'a token and a password',
      { ...COMPLETE, AIO_MQTT_PASSWORD_FILE: '/p' },
      /AIO_SAT_FILE and AIO_MQTT_PASSWORD_FILE cannot be used together/,
    ],
    [
      'a certificate without its key',
      { ...COMPLETE, AIO_TLS_CERT_FILE: '/c' },
      /AIO_TLS_CERT_FILE and AIO_TLS_KEY_FILE must be given together/,
    ],
    ['TLS files without TLS', { ...COMPLETE, AIO_MQTT_USE_TLS: 'false' }, /AIO_MQTT_USE_TLS is false/],
    [
      'a flag that is none',
      { ...COMPLETE, AIO_MQTT_USE_TLS: 'yes' },
      /AIO_MQTT_USE_TLS must be true or false, not "yes"/,
    ],
    [
      'a client ID that cannot be part of a topic',
      { ...COMPLETE, AIO_MQTT_CLIENT_ID: 'line/1' },
      /: AIO_MQTT_CLIENT_ID must not contain \/ \+ #, but is "line\/1"\.$/,
    ],
    [
      'a username with a control character',
      { AIO_BROKER_HOSTNAME: 'b', AIO_MQTT_USERNAME: 'a\u0001b' },
      /: AIO_MQTT_USERNAME must not contain control characters/,
    ],
    [
      'several faults, all at once',
      { AIO_BROKER_TCP_PORT: 'x', AIO_MQTT_KEEP_ALIVE: '-1' },
      /HOSTNAME is missing; AIO_BROKER_TCP_PORT must be .* not "x"; AIO_MQTT_KEEP_ALIVE must be/,
    ],
  ] as const) {
    it(`with ${name} are one clear error`, () => {
      assert.throws(() => optionsFromEnvironment(env), { code: 'BAD_ARGUMENT', message });
    });
  }
});
