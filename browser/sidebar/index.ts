/** Adds the tab to the sidebar of the editor. */
import { wordsOf } from '../dialogs/words';
import { Tab } from './tab';

const ID = 'statestore';
const ACTION = 'statestore:show-statestore-tab';
let added = false;

/** There is no tab for a user without the permission to read; another user may log in later. */
function addTab(): void {
  if (added || !Tab.mayRead) return;
  added = true;
  const words = wordsOf('statestore-sidebar');
  const tab = new Tab();
  RED.actions.add(ACTION, () => RED.sidebar.show(ID));
  RED.sidebar.addTab({
    id: ID,
    label: words('label.tab'),
    name: words('label.name'),
    iconClass: 'fa fa-key',
    content: tab.element[0],
    enableOnEdit: true,
    action: ACTION,
  });
}

RED.plugins.registerPlugin('statestore-sidebar', {
  onadd: () => {
    addTab();
    RED.events.on('login', addTab);
  },
});
