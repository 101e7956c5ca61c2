import type { ServiceErrorCode } from '../../errors';
import { ServiceError, serviceErrorText } from '../../protocol/errors';

/** The error that the store answers a request with. */
export function refusal(code: Exclude<ServiceErrorCode, 'UNKNOWN'>): ServiceError {
  return new ServiceError(code, serviceErrorText(code));
}
