/** A worker: makes and unlocks key files, and opens records and age files, so that the page stays responsive. */

import { newKey } from "./newkey.js";
import { openRecord, openerOf, unlock } from "./sealed.js";

let open = null;

const VERBS = {
  async use({ identities }) { open = openerOf(identities); },
  unlock: ({ file, passphrase }) => unlock(file, passphrase),
  file: ({ file }) => open(file),
  newKey: ({ passphrase, made, postQuantum }) => newKey(passphrase, made, postQuantum),
  records: ({ sealed }) => Promise.all(sealed.map((one) => openRecord(open, one))),
};

onmessage = async ({ data: { id, verb, ...values } }) => {
  try {
    postMessage({ id, result: await VERBS[verb](values) });
  } catch (error) {
    postMessage({ id, error: String(error && error.message ? error.message : error) });
  }
};
