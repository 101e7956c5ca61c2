/** The emulator, for programs and their tests: docs/emulator.md. */

export { Rules as EmulatorRules, RulesError as EmulatorRulesError } from './access/rules';
export { Emulator, type EmulatorFile } from './broker';
export { type Damage as EmulatorFileDamage, StoreFileError as EmulatorFileError } from './file/store-file';
export type { EmulatorOptions, EmulatorTls } from './options';
export type { OverloadOptions } from './overload';
export type { LoadedKey as EmulatorLoadedKey } from './store/change';
