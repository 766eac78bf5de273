/** Certificates speak of days in Taiwan, whatever the server's time zone is. */
const taipei = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Taipei',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** 2026-11-23 */
export const isoDay = (date: Date): string => taipei.format(date);

/** 民國 year: 2026 is 115. */
export const minguoYear = (date: Date): number => Number(isoDay(date).slice(0, 4)) - 1911;

/** 115.11.23 */
export const minguoDay = (date: Date): string =>
  `${minguoYear(date)}.${isoDay(date).slice(5).replace('-', '.')}`;

/** 中華民國 115 年 11 月 23 日 */
export function minguoLong(date: Date): string {
  const [, month, day] = isoDay(date).split('-').map(Number);
  return `中華民國 ${minguoYear(date)} 年 ${month} 月 ${day} 日`;
}
