/** Loaded before a contender: requests are not counted or timed. */
import { MetricsCounter } from '../../src/client/metrics';
import { Pending } from '../../src/client/pending';
import { Arrival } from '../../src/mqtt/arrival';

MetricsCounter.prototype.succeeded = () => undefined;
MetricsCounter.prototype.failed = () => undefined;
Pending.prototype.ageMs = () => 0;
Arrival.prototype.renew = () => undefined;
Object.defineProperty(Arrival.prototype, 'at', { value: 0 });
