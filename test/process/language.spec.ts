/** Errors, statuses and lines of the log in the language of the runtime. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator';
import { exampleStorage } from '../support/examples';
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
  'en-US': {
    error: /error: Connection refused by .*: key k was not read/,
    status: /status: connection refused/,
  },
  de: {
    error:
      /error: Es gibt keine Verbindung zum Broker\. Nichts wurde gesendet\. \(Connection refused by .*: key k was not read.*\)/,
    status: /status: Verb. abgelehnt/,
  },
  ja: {
    error: /error: ブローカへの接続がありません。.*\(Connection refused by /,
    status: /status: 接続拒否/,
  },
  'zh-CN': { error: /error: 未连接到代理.*（Connection refused by /, status: /status: 连接被拒绝/ },
};

/** Lines of the shared context: it is loaded, its store is lost, and it cannot be loaded. */
const CONTEXT = {
  'en-US': {
    loaded: /\[statestore context\] \d+ keys of \d+ scopes loaded in/,
    lost: /\[statestore context\] disconnected from the store: .* Reads use/,
    refused: /The context store at \S+ could not be loaded .*: /,
  },
  de: {
    loaded: /\[statestore context\] \d+ Schlüssel aus \d+ Bereichen in .* geladen/,
    lost: /\[statestore context\] Die Verbindung zum Speicher ist verloren: .* Gelesen werden/,
    refused: /Der Kontextspeicher auf \S+ konnte nicht innerhalb von startTimeout .*/,
  },
  ja: {
    loaded: /\[statestore context\] \d+ 個のスコープの \d+ 個のキーを .* 秒で読み込みました/,
    lost: /\[statestore context\] ストアへの接続が失われました: /,
    refused: /\S+ のコンテキストストアを startTimeout .* 以内に読み込めなかったため/,
  },
  'zh-CN': {
    loaded: /\[statestore context\] 已在 .* 秒内加载 \d+ 个作用域的 \d+ 个键/,
    lost: /\[statestore context\] 与存储的连接已断开：/,
    refused: /未能在 startTimeout.*内加载 \S+ 上的上下文存储/,
  },
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

  for (const [lang, { loaded, lost, refused }] of Object.entries(CONTEXT)) {
    it(`in ${lang} has the lines of its shared context in this language`, async () => {
      const emulator = await Emulator.start({ port: 0 });
      const contextStorage = exampleStorage(emulator.port);
      const nodeRed = await NodeRed.start({ settings: { lang }, contextStorage });
      try {
        await nodeRed.lines.find(loaded);
        await emulator.close();
        await nodeRed.lines.find(lost);
      } finally {
        await nodeRed.stop();
        await emulator.close();
      }
      const withoutStore = contextStorage.replace('config: {', 'config: { startTimeout: 1,');
      assert.match(await NodeRed.fail({ settings: { lang }, contextStorage: withoutStore }), refused);
    });
  }
});
