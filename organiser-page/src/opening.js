/** Open exports: the records of one petition, each once, checked against its commitment. */

import { recordIn, revokedIn } from "./export.js";

const BATCH = 20; // records of one message to a worker: a tenth of a second

/**
 * Open exports and return the list of opened records, in the order of the files, the newest export first.
 *
 * A record is `{fields, language, checked, index, commitment, manifest, seed, robot, unreadable, name}`. If it could not be opened,
 * `unreadable` is the number of its line in the export `name`, and every field is empty. Records that any export lists as revoked are
 * left out. `decrypt` opens a list of `{sealed, commitment}` and returns a promise of a list of what `openRecord` returns. `width` is how many lists it can open at a time. `progress` gets the number of records and the part of
 * the files that is done, 0 to 1. If `signal` is aborted, its reason is thrown.
 */
export async function openRecords(exports, decrypt, { width = 1, progress = () => {}, signal } = {}) {
  const revoked = revokedIn(exports);
  const opened = [], seen = new Set(), taken = new Set();
  const total = exports.reduce((sum, { size }) => sum + size, 0) || 1;
  const waiting = []; // batches in work, in the order of the files
  let done = 0, before = 0;

  const finish = async () => {
    const { batch, results, read, name } = await waiting.shift();
    for (const [at, { number, line }] of batch.entries()) {
      done += 1;
      const result = results[at];
      if (line && seen.has(line.commitment)) continue;
      if (!result) opened.push(unreadable(number, line, name));
      else {
        // The first of two records with one index may be invented. Only the log shows which one is right.
        const index = line.index !== null && taken.has(line.index) ? null : line.index;
        opened.push({ ...result, index, commitment: line.commitment, unreadable: null, name });
        if (result.checked) { // a record that was not signed must not replace the signed one
          seen.add(line.commitment);
          if (index !== null) taken.add(index);
        }
      }
    }
    progress(done, read / total);
    if (signal) signal.throwIfAborted();
  };
  const send = async (batch, read, name) => {
    const sealed = batch.filter(({ line }) => line).map(({ line }) => line);
    const work = decrypt(sealed).then((found) => {
      let next = 0;
      return { batch, results: batch.map(({ line }) => (line ? found[next++] : null)), read, name };
    });
    work.catch(() => {}); // is thrown where it is awaited
    waiting.push(work);
    while (waiting.length >= 2 * width) await finish();
  };

  // Read the newest export first: it has the index of a record that is also in an older one.
  for (const one of [...exports].sort((a, b) => b.header.size - a.header.size)) {
    let batch = [], read = before;
    for await (const [number, text, bytes] of one.lines) {
      read = before + bytes;
      const line = recordIn(text, one.header);
      if (line && revoked.has(line.index)) {
        done += 1;
        continue;
      }
      batch.push({ number, line });
      if (batch.length === BATCH) await send(batch.splice(0), read, one.name);
    }
    if (batch.length) await send(batch, read, one.name);
    before += one.size;
  }
  while (waiting.length) await finish();
  return opened;
}

function unreadable(number, line, name) {
  const fields = { name: "", email: "", place: "", comment: "", consent: "", day: "" };
  return { fields, language: "", checked: false, index: line ? line.index : null, commitment: line ? line.commitment : "", manifest: "", seed: "", robot: false, unreadable: number, name };
}
