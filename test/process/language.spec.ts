/** Errors and statuses in the language of the runtime. */
import { NodeRed } from '../support/node-red';
import { freePort } from '../support/ports';

/** A message to a store where nothing listens, and a Catch node and a Status node that print what they get. */
function flow(port: number): object[] {
  const at = { z: 'tab', x: 100, y: 100 };
  const print = { ...at, type: 'debug', console: true, tosidebar: false, wires: [] };
  return [
    { id: 'tab', type: 'tab', label: 'test' },
    { id: 'store', type: 'statestore-config', host: '127.0.0.1', port, timeout: 1 },
    { ...at, id: 'inject', type: 'inject', once: true, onceDelay: 0.1, props: [], wires: [['get']] },
    {
      ...at,
      id: 'get',
      type: 'statestore-get',
      store: 'store',
      key: 'k',
      keyType: 'str',
      outputs: 1,
      wires: [[]],
    },
    { ...at, id: 'catch', type: 'catch', scope: null, wires: [['error']] },
    { ...at, id: 'status', type: 'status', scope: null, wires: [['words']] },
    { ...print, id: 'error', targetType: 'jsonata', complete: '"error: " & error.message' },
    { ...print, id: 'words', targetType: 'jsonata', complete: '"status: " & status.text' },
  ];
}

const EXPECTED = {
  'en-US': { error: /error: Nothing listens at .*: key k was not read/, status: /status: nothing listens/ },
  de: {
    error:
      /error: Es gibt keine Verbindung zum Broker; nichts wurde gesendet\. \(Nothing listens at .*: key k was not read.*\)/,
    status: /status: Verbindung abgelehnt/,
  },
  ja: {
    error: /error: ブローカーへの接続がありません。.*\(Nothing listens at /,
    status: /status: 待ち受けなし/,
  },
  'zh-CN': { error: /error: 未连接到代理.*（Nothing listens at /, status: /status: 连接被拒绝/ },
};

describe('A Node-RED', () => {
  for (const [lang, { error, status }] of Object.entries(EXPECTED)) {
    it(`in ${lang} says what is wrong in this language`, async () => {
      const nodeRed = await NodeRed.start({ settings: { lang } });
      try {
        await nodeRed.api('POST', '/flows', flow(await freePort()), { 'Node-RED-Deployment-Type': 'full' });
        await nodeRed.lines.find(error);
        await nodeRed.lines.find(status);
      } finally {
        await nodeRed.stop();
      }
    });
  }
});
