/** `floor`: the least a Node.js process can do for the same bytes. */
import { openFloor } from './floor-socket';
import { STORE_PORT, serve } from './serve';

void openFloor(STORE_PORT).then(serve);
