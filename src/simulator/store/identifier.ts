import type { Random } from "../../random.ts";

/** The letters of generated names, as in the API server: no vowels, and none that look alike. */
const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** A version 4 UUID drawn from `random`. */
export function drawUid(random: Random): string {
  let hex = "";
  while (hex.length < 32) hex += Math.floor(random.next() * 0x1_0000_0000).toString(16).padStart(8, "0");
  const variant = (8 + (parseInt(hex.charAt(16), 16) & 3)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${
    hex.slice(20, 32)
  }`;
}

/** The five letters that follow `generateName`. */
export function drawSuffix(random: Random): string {
  let suffix = "";
  while (suffix.length < 5) suffix += NAME_LETTERS.charAt(Math.floor(random.next() * NAME_LETTERS.length));
  return suffix;
}
