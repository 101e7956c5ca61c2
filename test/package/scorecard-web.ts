/**
 * Loaded into node-red-dev before anything else: answers what it asks the web about Node-RED, from what is installed here. The
 * catalogue of the Flow Library is not to be had everywhere, so it is an empty one: that no other package has a node of these names
 * is seen by the workflow only.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from '../support/node-red';

interface Axios {
  get(url: string): Promise<{ data: unknown }>;
}

interface NodeRedPackage {
  version: string;
  engines: { node: string };
}

const axios = createRequire(process.argv[1] as string)('axios') as Axios;
const [maintained, latest] = [ROOT, join(ROOT, 'test', 'node-red-5')].map(
  (from) =>
    JSON.parse(
      readFileSync(join(from, 'node_modules', 'node-red', 'package.json'), 'utf8'),
    ) as NodeRedPackage,
) as [NodeRedPackage, NodeRedPackage];

axios.get = async (url) => {
  switch (url) {
    case 'https://catalogue.nodered.org/catalogue.json':
      return { data: { modules: [] } };
    case 'https://registry.npmjs.org/node-red':
      return {
        data: {
          'dist-tags': { latest: latest.version, maintenance: maintained.version },
          versions: { [latest.version]: latest, [maintained.version]: maintained },
        },
      };
    default:
      throw new Error(`no answer to ${url}`);
  }
};
