/** Loaded before a contender: requests are not counted or timed. */
import { MetricsCounter } from '../../src/client/metrics';
import { Pending } from '../../src/client/pending';

MetricsCounter.prototype.succeeded = () => undefined;
MetricsCounter.prototype.failed = () => undefined;
Object.defineProperty(Pending.prototype, 'ageMs', { value: 0 });
