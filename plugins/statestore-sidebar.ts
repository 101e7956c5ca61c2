/** A tab in the sidebar of the editor, to look into a store: the part that runs in Node-RED. */
import type { NodeAPI } from 'node-red';
import { serveSidebar } from '../src/node-red/sidebar/sidebar-endpoints';

export = (RED: NodeAPI): void => serveSidebar(RED);
