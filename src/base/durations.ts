/** Seconds as an ISO 8601 duration at 0.01 s: 90.5 → `PT1M30.5S`. */
export function toIsoDuration(seconds: number): string {
  const hundredths = Math.round(Math.max(0, seconds) * 100);
  const hours = Math.floor(hundredths / 360000);
  const minutes = Math.floor((hundredths % 360000) / 6000);
  const rest = (hundredths % 6000) / 100;
  const time = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${rest ? `${Number(rest.toFixed(2))}S` : ''}`;
  return time ? `PT${time}` : 'PT0S';
}

const iso =
  /^P(?!$)(?:(\d+(?:[.,]\d+)?)Y)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)W)?(?:(\d+(?:[.,]\d+)?)D)?(?:T(?=\d)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/;

/** Years, months, and the seconds of the rest: a month has no length of its own. Null when it is no duration. */
export function partsOfIsoDuration(text: string): { years: number; months: number; seconds: number } | null {
  const match = iso.exec(text);
  if (!match) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1)
    .map((part) => (part === undefined ? 0 : Number(part.replace(',', '.')))) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    years,
    months,
    seconds: ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds,
  };
}

/** Seconds in an ISO 8601 duration; a year counts 365 days, a month 30. Null when it is not one. */
export function fromIsoDuration(text: string): number | null {
  const parts = partsOfIsoDuration(text);
  return parts && (parts.years * 365 + parts.months * 30) * 86_400 + parts.seconds;
}

/** Whole seconds as HH:MM:SS, the form learners see; hours grow past 99. */
export function toClockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
}
