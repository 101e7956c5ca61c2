/** npm run build */
import { build } from './compile.mjs';
import { plainly } from './plainly.mjs';

process.exitCode = plainly(build) ? 0 : 1;
