/** The palette's search finds our nodes also by the words people use for them: it looks into this attribute. */
import { wordsOf } from './words';

export function addKeywords(): void {
  RED.events.on('registry:node-type-added', (type: string) => {
    if (!type.startsWith('statestore-')) return;
    const node = $(`.red-ui-palette-node[data-palette-type="${type}"]`);
    const label = node.attr('data-palette-label');
    if (label) node.attr('data-palette-label', `${label} ${wordsOf('statestore-config')('keywords')}`);
  });
}
