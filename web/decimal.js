// Prices and volumes as the exchange spells them: `158219000.00000000`, `0E-8`, `12345678901.2345670000000000`.
//
// A JavaScript number would round the long ones, so none is ever made. A decimal here is `{ digits, scale }`: a
// BigInt and how many of its digits stand behind the point.

/** Exponents beyond this are no price. Without a bound, `1e999999999` would be a string of that length. */
const EXPONENT_MAX = 100;

const NUMBER = /^(-?)(\d{1,100})(?:\.(\d{1,100}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Reads a JSON number. What is none, or is unreasonable, is `null`. */
export function parseDecimal(text) {
  const match = NUMBER.exec(text ?? '');
  if (!match) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  if (Math.abs(Number(exponent)) > EXPONENT_MAX) return null;
  const digits = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
}

/** Digits behind the point, without zeros at the end. */
export function fractionDigits(decimal) {
  let { digits, scale } = decimal;
  for (; scale > 0 && digits % 10n === 0n; scale -= 1) digits /= 10n;
  return scale;
}

/** Rounded half away from zero to so many digits behind the point. */
function round({ digits, scale }, fraction) {
  if (scale <= fraction) return { digits: digits * 10n ** BigInt(fraction - scale), scale: fraction };
  const unit = 10n ** BigInt(scale - fraction);
  const half = digits < 0n ? -unit / 2n : unit / 2n;
  return { digits: (digits + half) / unit, scale: fraction };
}

/** `1,234.50`: grouped, with exactly `fraction` digits behind the point. */
export function formatFixed(decimal, fraction) {
  const { digits, scale } = round(decimal, fraction);
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${negative ? '−' : ''}${whole}${scale > 0 ? `.${text.slice(-scale)}` : ''}`;
}

/** `1,234.5`: grouped, with as many digits behind the point as it has, up to `fractionMax`. */
export function formatPlain(decimal, fractionMax = 8) {
  const rounded = round(decimal, Math.min(fractionMax, decimal.scale));
  return formatFixed(rounded, fractionDigits(rounded));
}

/** The same with a sign also in front of what is above zero. */
export function withSign(decimal, text) {
  return decimal.digits > 0n ? `+${text}` : text;
}

/** A rate such as `-0.0123` as `−1.23%`. */
export function formatRate(rate) {
  const percent = { digits: rate.digits * 100n, scale: rate.scale };
  const rounded = round(percent, 2);
  return `${withSign(rounded, formatFixed(rounded, 2))}%`;
}

const UNITS = {
  en: [[12, 'T'], [9, 'B'], [6, 'M'], [3, 'K']],
  ko: [[12, '조'], [8, '억'], [4, '만']],
};

/** A large amount in its largest unit: `1.23T`, `4,567억`. Below the smallest unit as it is. */
export function formatShort(decimal, language) {
  const size = decimal.digits < 0n ? -decimal.digits : decimal.digits;
  for (const [zeros, unit] of UNITS[language] ?? UNITS.en) {
    if (size < 10n ** BigInt(zeros + decimal.scale)) continue;
    const inUnits = { digits: decimal.digits, scale: decimal.scale + zeros };
    const whole = (size / 10n ** BigInt(inUnits.scale)).toString().length;
    return `${formatFixed(inUnits, Math.max(0, 3 - whole))}${unit}`;
  }
  return formatPlain(decimal, 4);
}
