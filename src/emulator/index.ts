/** The emulator, for programs and their tests: docs/emulator.md. */
export { Emulator, type EmulatorOptions, type EmulatorTls } from './broker';
export type { StateStoreEngine } from './engine';
export { Rules as EmulatorRules, RulesError as EmulatorRulesError } from './rules';
