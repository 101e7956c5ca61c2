/** The emulator, for programs and their tests: docs/emulator.md. */
export { Emulator, type EmulatorOptions, type EmulatorTls } from './broker';
export type { OverloadOptions } from './overload';
export { Rules as EmulatorRules, RulesError as EmulatorRulesError } from './rules';
