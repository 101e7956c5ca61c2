/** The emulator, for programs and their tests: docs/emulator.md. */
export { Emulator, type EmulatorFile, type EmulatorOptions, type EmulatorTls } from './broker';
export type { LoadedKey as EmulatorLoadedKey } from './change';
export type { OverloadOptions } from './overload';
export { Rules as EmulatorRules, RulesError as EmulatorRulesError } from './rules';
export { type Damage as EmulatorFileDamage, StoreFileError as EmulatorFileError } from './store-file';
