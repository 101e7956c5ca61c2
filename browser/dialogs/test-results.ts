/** The steps of a connection test as a list. */
import type { TestedConnection } from '../sidebar/messages';
import { failure, wordsOf } from './words';

export function showTestResults(list: JQuery, { results, roundTrip }: TestedConnection): void {
  const words = wordsOf('statestore-config');
  list.empty();
  for (const result of results) {
    const text = result.ok
      ? words(`test.ok.${result.step}`, { ms: roundTrip })
      : failure(result.reason ?? '', result.message ?? '');
    $('<li>')
      .append($('<i>').addClass(result.ok ? 'fa fa-check' : 'fa fa-times'), ' ')
      .append($('<b>').text(`${words(`test.step.${result.step}`)}: `))
      .append(document.createTextNode(text))
      .appendTo(list);
  }
}
