/** The emulator, for programs and their tests: docs/emulator.md. */
export { Emulator, type EmulatorFile } from './broker';
export type { LoadedKey as EmulatorLoadedKey } from './change';
export type { EmulatorOptions, EmulatorTls } from './options';
export type { OverloadOptions } from './overload';
export { Rules as EmulatorRules, RulesError as EmulatorRulesError } from './rules';
export { type Damage as EmulatorFileDamage, StoreFileError as EmulatorFileError } from './store-file';
