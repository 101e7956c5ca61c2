/** What the dialogs of this package share: the one global of the package. Each dialog loads this file; the first time counts. */
import {
  box,
  choice,
  config,
  credential,
  expression,
  hidden,
  lines,
  seconds,
  text,
  tip,
  typed,
  wholeNumber,
} from './fields';
import { fold } from './form';
import { addFunctionTypes } from './function-types';
import { key, keyLines } from './key-field';
import { keyText } from './key-text';
import { addKeywords } from './palette';
import { register, registerConfig } from './register';
import { isBlank, isEnvironment, rule } from './rules';
import {
  expiry,
  fencingToken,
  format,
  maxKeys,
  nodeName,
  property,
  secondOutput,
  VALUE_TYPES,
} from './shared-fields';
import { showTestResults } from './test-results';
import { failure, wordsOf } from './words';

const stateStoreEditor = {
  VALUE_TYPES,
  failure,
  fields: {
    box,
    choice,
    config,
    credential,
    expiry,
    expression,
    fencingToken,
    fold,
    format,
    hidden,
    key,
    keyLines,
    lines,
    maxKeys,
    name: nodeName,
    property,
    secondOutput,
    seconds,
    text,
    tip,
    typed,
    wholeNumber,
  },
  isBlank,
  isEnvironment,
  keyText,
  register,
  registerConfig,
  rule,
  showTestResults,
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
  addFunctionTypes();
}
