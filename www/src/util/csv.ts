/** One field of a CSV file, quoted where it must be. */
export function csvField(text: string): string {
  // A spreadsheet runs what starts like a formula; names come from outside, so they are disarmed.
  const safe = /^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
