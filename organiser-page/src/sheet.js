/** The key sheet: two copies of a key on paper, with a code to scan, so that a broken disk does not lose every signature. */

import encodeQR from "qr";
import decodeQR from "qr/decode.js";
import { Refusal } from "./words.js";

const MOST_SIDE = 2000; // pixels: a photo of a phone has more than are needed

/** Return the modules of the QR code of a key file's text, as rows of true (dark) and false. */
export const codeOf = (text) => encodeQR(text, "raw", { ecc: "low", border: 2 });

/** Return the text of the QR code in a photo or scan. Throw a Refusal if there is none. `file` is an image. */
export async function textInPhoto(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Refusal("photo_none", { file: file.name });
  }
  for (const side of [MOST_SIDE, 1200, 800]) { // a code is found at one size and not at another
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale)), context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch { /* try the next size */ }
  }
  throw new Refusal("photo_code", { file: file.name });
}
