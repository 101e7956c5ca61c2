/** The box that gives a node its second output. Wires of the first one stay. */
import type { EditedNode } from './rules';

export function secondOutput(node: EditedNode): void {
  const box = $('#node-input-secondOutput').prop('checked', Number(node.outputs) === 2);
  box
    .on('change', () => {
      $('#node-input-outputs').val(box.is(':checked') ? 2 : 1);
    })
    .trigger('change');
}
