/** The proof that all records open, so that the server can delete them. */

import { copyButton, make, paragraph, text } from "../dom.js";
import { drainProof } from "../deleting.js";

export function deletingTab({ exports, records, challenge }) {
  const why = exports.length > 1 ? "deleting_several"
    : exports[0].header.code === null ? "deleting_noCode"
      : records.some(({ checked }) => !checked) || challenge === null ? "deleting_wrong" : null;
  if (why) return make("div", {}, paragraph("deleting_lead"), paragraph(why, {}, "warn"));
  const proof = drainProof(challenge, records.map(({ commitment }) => commitment));
  return make("div", {}, paragraph("deleting_lead"), paragraph("deleting_all", { n: records.length }, "message"),
    make("h2", {}, text("deleting_code")), make("code", { className: "code" }, proof),
    make("p", { className: "actions" }, copyButton("copy", () => proof)), paragraph("deleting_next"));
}
