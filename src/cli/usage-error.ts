/** Wrong use of the command. The message says what is wrong and what to write instead. */
export class UsageError extends Error {}
