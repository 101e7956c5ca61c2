/** What the dialogs of this package share: the one global of the package. Each dialog loads this file; the first time counts. */
import { foldOptions } from './folds';
import { keyText } from './key-text';
import { secondOutput } from './outputs';
import { addKeywords } from './palette';
import { isBlank, isEnvironment, rule, seconds, typedInput, wholeNumber } from './rules';
import { offerStore, store } from './store-row';
import { showTestResults } from './test-results';
import { wordsOf } from './words';

const stateStoreEditor = {
  foldOptions,
  isBlank,
  isEnvironment,
  keyText,
  offerStore,
  rule,
  secondOutput,
  seconds,
  showTestResults,
  store,
  typedInput,
  wholeNumber,
  wordsOf,
};

declare global {
  interface Window {
    stateStoreEditor?: typeof stateStoreEditor;
  }
}

if (!window.stateStoreEditor) {
  window.stateStoreEditor = stateStoreEditor;
  addKeywords();
}
