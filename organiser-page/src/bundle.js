/** Make a bundle for recipients: the whole log, and only as much of the records as the signers were promised. */

import { Encrypter } from "age-encryption";
import { sha256 } from "@noble/hashes/sha2.js";
import { zipSync } from "fflate";
import { Wrong, check, openZip, sayOfChecker } from "checker";
import { asJson, eightBytes, fromHex, joined, toHex, utf8 } from "./bytes.js";
import { RECORD_FIELDS, digest, salt } from "./record.js";
import { Refusal } from "./words.js";
import carried from "carried";
import shared from "shared";

const { SAMPLE, NAMES, RECIPIENTS, AUDITOR, LEAST_SEED, MOST_SEED } = shared.promised;

/** Return the fields that others may see by the promise in these terms. Throw a Refusal if they may see no record. */
function allowedFields(terms, show) {
  const gets = terms.recipients_get;
  if (show === SAMPLE && terms.sample_audit === true) return RECORD_FIELDS;
  if (gets === NAMES || (gets === SAMPLE && show === SAMPLE)) return RECIPIENTS;
  throw new Refusal("promise_none");
}

/** Throw a Refusal after the day until which these terms keep records. `today` is like "2026-11-29". */
export function refuseLate(terms, today) {
  if (!isDay(terms.retention)) throw new Refusal("promise_noDay");
  if (today > terms.retention) throw new Refusal("promise_late", { day: terms.retention });
}

const isDay = (text) => typeof text === "string" && /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;

/** Return the usual fields to open of those that are allowed. */
export const usualFields = (allowed) => (AUDITOR.every((name) => allowed.includes(name)) ? AUDITOR : RECIPIENTS);

/**
 * Return the fields that may be shown at most, of all the texts that were signed; null if `plan` would refuse. Of a sample each text must
 * allow it, of names one must.
 */
export function offered(log, show) {
  const each = [...log.terms.values()].map((terms) => {
    try {
      return allowedFields(terms, show);
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  });
  const allow = each.filter((fields) => fields !== null);
  if (!allow.length || (show === SAMPLE && allow.length < each.length)) return null;
  return RECORD_FIELDS.filter((name) => allow.some((fields) => fields.includes(name)));
}

/**
 * Return the plan `{fields, sample}`: the open fields by the hash of the manifest that a signer signed under, and the sample or null.
 * `wanted` are the fields to open, or null for the usual ones. Throw a Refusal if the promises forbid it.
 */
export function plan(log, { show, wanted, today, seed, number }) {
  const fields = new Map(), refusals = [];
  for (const [hash, terms] of log.terms) {
    try {
      refuseLate(terms, today);
      fields.set(hash, openFields(terms, show, wanted));
    } catch (error) {
      if (!(error instanceof Refusal) || show === SAMPLE) throw error; // a sample can draw any signer, so all terms must allow it
      refusals.push(error);
    }
  }
  if (!fields.size) throw refusals[0];
  return { fields, sample: show === SAMPLE ? draw(log, seed, number) : null };
}

function openFields(terms, show, wanted) {
  const allowed = allowedFields(terms, show), asked = wanted ?? usualFields(allowed);
  const over = asked.filter((name) => !allowed.includes(name));
  if (over.length) throw new Refusal("promise_over", { allowed: allowed.join(", "), over: over.join(", ") });
  return RECORD_FIELDS.filter((name) => asked.includes(name));
}

/** Choose `wanted` of the signatures that count, by a seed from an outsider. docs/delivery.md "Sample". */
export function draw(log, text, wanted) {
  const seed = text.normalize("NFC");
  if ([...seed].length < LEAST_SEED) throw new Refusal("seed_short", { least: LEAST_SEED });
  if ([...seed].length > MOST_SEED || /[\p{Cc}\p{Cs}\p{Co}\u2028\u2029\u202e]/u.test(seed) || seed !== seed.trim()) throw new Refusal("seed_strange");
  if (!log.signers.length) throw new Refusal("sample_empty");
  const head = joined(utf8("petition/1 sample\n"), log.root, utf8(`${seed}\n`));
  const ranks = log.signers.map((index) => [toHex(sha256(joined(head, eightBytes(index)))), index]);
  ranks.sort(([a], [b]) => (a < b ? -1 : 1));
  return { seed, wanted, indexes: ranks.slice(0, wanted).map(([, index]) => index).sort((a, b) => a - b) };
}

/**
 * Make the bundle's zip and check it as a recipient will. Return `{zip, chosen, available, shown}`: the bytes, and how many signatures
 * were chosen, have a record here, and are shown. `plan` is null for a bundle without records. Throw a Refusal if the check fails.
 */
export async function makeBundle(log, plan, records, now) {
  const chosen = plan === null ? [] : plan.sample ? plan.sample.indexes : log.signers;
  const available = chosen.filter((index) => records.has(index));
  const shown = available.filter((index) => plan.fields.has(records.get(index).manifest));
  const files = new Map([["README.txt", carried["README.txt"]], ...log.files]);
  if (plan !== null) files.set("records.jsonl", utf8(shown.map((index) => recordLine(index, records.get(index), plan.fields)).join("")));
  if (plan?.sample) files.set("sample.json", utf8(`${asJson(sampleOf(plan.sample, log, new Set(shown)))}\n`));
  for (const name of ["verify.py", "check.html"]) files.set(name, carried[name]);
  const packed = Object.fromEntries([...files].map(([name, data]) => [name, typeof data === "string" ? utf8(data) : data]));
  const zip = zipSync(packed, { level: 0, mtime: new Date(1980, 0, 1), os: 3 });
  await refuseWrong(zip, now);
  return { zip, chosen: chosen.length, available: available.length, shown: shown.length };
}

async function refuseWrong(zip, now) {
  try {
    const { result, wrongs } = await check(openZip(zip, "bundle.zip"), [], { now });
    if (!result.ok) throw new Refusal("bundle_wrong", { problem: wrongs[0]() });
  } catch (error) {
    if (error instanceof Wrong) throw new Refusal("bundle_wrong", { problem: sayOfChecker(error.key, error.values) });
    throw error;
  }
}

/** Encrypt a bundle to public keys of one kind. */
export async function sealedTo(recipients, zip) {
  if (new Set(recipients.map((key) => key.startsWith("age1pq1"))).size > 1) throw new Refusal("recipient_mixed");
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(zip);
}

/** Return a line of `records.jsonl`: the open fields with their salts, the others as digests. */
function recordLine(index, one, fieldsOf) {
  const open = fieldsOf.get(one.manifest), seed = fromHex(one.seed);
  const fields = Object.fromEntries(RECORD_FIELDS.map((name) => {
    const salted = salt(seed, name), value = one.fields[name];
    return [name, open.includes(name) ? { value, salt: toHex(salted) } : { digest: toHex(digest(salted, value)) }];
  }));
  return `${asJson({ index, manifest: one.manifest, fields })}\n`;
}

function sampleOf({ seed, wanted, indexes }, log, shown) {
  const unopened = indexes.filter((index) => !shown.has(index));
  const sample = { seed, wanted, of: log.signers.length, size: log.size, root: toHex(log.root), indexes };
  return unopened.length ? { ...sample, unopened } : sample;
}
