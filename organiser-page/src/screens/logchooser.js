/** Choose a copy of the petition's public log, and check it. Asked once for an opened export. */

import { bytesOf, field, make, paragraph, text } from "../dom.js";
import { checkedLog } from "../log.js";
import { Refusal } from "../words.js";

export class LogChooser {
  /** `needed` is whether there must be a log. */
  constructor(session, needed) {
    this.session = session;
    this.needed = needed;
    this.files = make("input", { type: "file", accept: ".zip" });
    this.bar = make("progress", { max: 1, value: 0 });
    this.wait = make("div", { hidden: true, role: "status" }, paragraph("log_wait"), this.bar);
    this.element = make("div", {}, field(needed ? "log_file" : "log_fileMaybe", this.files, needed ? "log_hint" : "log_hintMaybe"), this.wait);
  }

  /** Return the checked log, or null if none was chosen and none is needed. Throw a Refusal. */
  async log() {
    const [file] = this.files.files;
    if (!file) {
      if (this.needed) throw new Refusal("log_missing");
      return null;
    }
    if (this.session.log?.file === file) return this.session.log.log;
    this.wait.hidden = false;
    try {
      const headers = this.session.exports.map(({ header }) => header);
      const log = await checkedLog(await bytesOf(file), file.name, headers, Math.floor(Date.now() / 1000), (part) => { this.bar.value = part; });
      this.session.log = { file, log };
      return log;
    } finally {
      this.wait.hidden = true;
    }
  }
}

const WHY = ["unreadable", "changed", "strange", "later", "noIndex", "revoked", "noText"];

/** Return a note on the records that were left out, by the reason; null if there are none. */
export function leftOutNote(leftOut) {
  const some = WHY.filter((why) => leftOut[why]);
  return some.length ? make("div", {}, paragraph("left_head"), make("ul", {}, ...some.map((why) => make("li", {}, text(`left_${why}`, { n: leftOut[why] }))))) : null;
}
