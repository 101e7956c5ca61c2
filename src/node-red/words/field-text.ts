/** The text of a field. Node-RED puts in the values of environment variables, which may be numbers, true or false, or JSON. */
export function fieldText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
