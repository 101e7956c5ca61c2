import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const FIRST_EMULATOR_PORT = 1883;
const ON_THAT_PORT = ['statestore-emulator', 'statestore-config'];

/** The user directory of "npm start": the package linked into it, settings written each time, flows that stay. */
export class UserDir {
  constructor(path) {
    this.path = path;
  }

  /** Throws where it cannot be written. */
  prepare({ host, port, emulatorPort }) {
    const installed = join(this.path, 'node_modules', '@edgestate', 'node-red-statestore');
    mkdirSync(dirname(installed), { recursive: true });
    rmSync(installed, { recursive: true, force: true });
    symlinkSync(root, installed, 'junction');
    this.#requirePackage();
    writeFileSync(join(this.path, 'settings.js'), this.#settings(host, port));
    this.#placeFlows(emulatorPort);
  }

  /** The palette manager runs npm, which removes a package that is not in package.json. */
  #requirePackage() {
    const file = join(this.path, 'package.json');
    const manifest = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { name: 'node-red-project', private: true };
    manifest.dependencies = { ...manifest.dependencies, '@edgestate/node-red-statestore': `file:${root}` };
    writeFileSync(file, JSON.stringify(manifest, null, 4));
  }

  /** Whether an emulator in the flows listens on this port. */
  usesPort(port) {
    return this.#readFlows().some(
      (node) => node.type === 'statestore-emulator' && Number(node.port) === port,
    );
  }

  /**
   * The first time the Quickstart, as it is imported from the menu. Later the deployed flows. Emulators and stores on the port of the
   * last start move to the new one. A port that was changed in the editor stays.
   */
  #placeFlows(emulatorPort) {
    const file = join(this.path, 'flows.json');
    const memory = join(this.path, 'emulator-port');
    const last = existsSync(memory) ? Number(readFileSync(memory, 'utf8')) : FIRST_EMULATOR_PORT;
    const first = !existsSync(file);
    const flows = first
      ? JSON.parse(readFileSync(join(root, 'examples', '01 Quickstart.json'), 'utf8'))
      : this.#readFlows();
    const moving = flows.filter(
      ({ type, port }) =>
        ON_THAT_PORT.includes(type) && Number(port) === (first ? FIRST_EMULATOR_PORT : last),
    );
    for (const node of moving) node.port = emulatorPort;
    if (first || (moving.length > 0 && emulatorPort !== last)) {
      writeFileSync(file, JSON.stringify(flows, null, 4));
    }
    writeFileSync(memory, String(emulatorPort));
  }

  /** Nothing where there are none, or none that can be read: Node-RED says so then. */
  #readFlows() {
    try {
      const flows = JSON.parse(readFileSync(join(this.path, 'flows.json'), 'utf8'));
      return Array.isArray(flows) ? flows : [];
    } catch {
      return [];
    }
  }

  /** Made once for this user directory; Node-RED encrypts credentials with it. */
  #credentialSecret() {
    const file = join(this.path, 'credential-secret');
    if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
    return readFileSync(file, 'utf8');
  }

  #settings(host, port) {
    return `// Written by "npm start" each time.
const ERROR = 20;
const WARN = 30;
module.exports = {
  uiHost: '${host}',
  uiPort: ${port},
  flowFile: 'flows.json',
  flowFilePretty: true,
  telemetry: { enabled: false },
  editorTheme: { tours: false },
  credentialSecret: ${JSON.stringify(this.#credentialSecret())},
  contextStorage: {
    default: 'memory',
    memory: { module: 'memory' },
    shared: {
      module: require('@edgestate/node-red-statestore/context'),
      // The emulator of "npm start" for it.
      config: { host: '${host}', port: Number(process.env.CONTEXT_PORT) },
    },
  },
  logging: {
    console: { level: 'off' },
    // What the debug nodes say, word for word, and everything that needs attention.
    plain: { level: 'info', handler: () => (entry) => {
      const text = entry.msg?.message ?? entry.msg;
      if (entry.type === 'debug') console.log(text);
      else if (entry.level <= WARN && entry.type) console.error(\`[\${entry.type}:\${entry.name || entry.id}] \${text}\`);
      else if (entry.level <= ERROR) console.error(text);
      else if (/Server now running/.test(text)) console.log('Node-RED is ready at http://${host}:${port} (Ctrl-C stops it)');
    } },
  },
};
`;
  }
}
