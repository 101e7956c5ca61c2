/** The points of the protocol that `statestore check` tries: docs/protocol.md. */
import { fencing } from './fencing';
import { listing } from './listing';
import { observing } from './observing';
import type { Point } from './point';
import { transport } from './transport';
import { writing } from './writing';

/** In the order of the table. The last points report on all requests before them. */
export const POINTS: readonly Point[] = [...writing, ...fencing, ...observing, ...listing, ...transport];
