/**
 * Find patterns among opened records that are rare in a real crowd, as `sabal audit` does. Each can be chance, so none is a proof.
 * The limits and their reasons are in `organiser/patterns.py`, from which they come.
 */

import { casefold, emailOf, split } from "./comparing.js";
import shared from "shared";

const { SAME_NAME, SAME_NAME_SHARE, IN_A_ROW, OF_A_DOMAIN, BURST, BURST_TIMES } = shared.limits;
const NUMBERED = /^([\s\S]*[^0-9])([0-9]{1,9})$/u;
const LARGE = new Set(shared.largeDomains);

/** Return what is compared of a record, with one spelling for equal values. */
export function traits(index, { fields, robot }) {
  const [mailbox, domain] = emailOf(fields.email) || ["", ""];
  return { index, name: split(casefold(fields.name.normalize("NFKC"))).join(" "), country: fields.place, day: fields.day, mailbox, domain, robot };
}

/** Return `[{pattern, indexes}]`, the groups of every pattern in the order of the patterns. `pattern` is its key. */
export function find(signatures) {
  const ordered = [...signatures].sort((a, b) => a.index - b.index);
  return [mailboxes, robots, names, rows, domains, days].flatMap((look) => look(ordered));
}

function mailboxes(signatures) {
  const by = grouped(signatures.filter(({ mailbox }) => mailbox), ({ mailbox }) => mailbox);
  return groups("mailbox", by, 2);
}

function robots(signatures) {
  return groups("robot", [signatures.filter(({ robot }) => robot)], 1);
}

function names(signatures) {
  const thatDay = counted(signatures, ({ country, day }) => [country, day]);
  const by = grouped(signatures, ({ country, day, name }) => [country, day, name]);
  return groups("name", by.filter((group) => group.length * SAME_NAME_SHARE >= thatDay.get(key([group[0].country, group[0].day]))), SAME_NAME);
}

/** Find consecutive numbers in email addresses and in names, if the text around the number is the same. */
function rows(signatures) {
  const stems = new Map();
  for (const one of signatures) {
    const local = one.mailbox.slice(0, Math.max(one.mailbox.lastIndexOf("@"), 0));
    for (const [text, rest] of [[local, `@${one.domain}`], [one.name, one.country]]) {
      const numbered = NUMBERED.exec(text);
      if (!numbered) continue;
      const numbers = at(stems, key([numbered[1], rest]), () => new Map());
      at(numbers, Number(numbered[2]), () => []).push(one.index);
    }
  }
  return [...stems.values()].flatMap((numbers) => inARow([...numbers.keys()].sort((a, b) => a - b))
    .filter((row) => row.length >= IN_A_ROW)
    .map((row) => ({ pattern: "row", indexes: [...new Set(row.flatMap((number) => numbers.get(number)))].sort((a, b) => a - b) })));
}

function inARow(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found[found.length - 1];
    if (last && number === last[last.length - 1] + 1) last.push(number);
    else found.push([number]);
  }
  return found;
}

function domains(signatures) {
  const by = new Map();
  for (const { domain, mailbox, index } of signatures) {
    if (!domain || LARGE.has(domain)) continue;
    at(at(by, domain, () => new Map()), mailbox, () => ({ index }));
  }
  return groups("domain", [...by.values()].map((boxes) => [...boxes.values()]), OF_A_DOMAIN);
}

function days(signatures) {
  const ofDay = counted(signatures, ({ day }) => day), ofDomain = counted(signatures, ({ domain }) => domain);
  const by = grouped(signatures.filter(({ domain }) => domain), ({ domain, day }) => [domain, day]);
  const bursts = by.filter((group) => {
    const [{ domain, day }] = group;
    const elsewhere = ofDomain.get(key(domain)) - group.length, others = signatures.length - ofDay.get(key(day));
    // One is added to the counts of other days, so that a domain's first day is measured too.
    return others && group.length * (others + 1) >= BURST_TIMES * (elsewhere + 1) * ofDay.get(key(day));
  });
  return groups("day", bursts, BURST);
}

function groups(pattern, found, least) {
  return found.filter((group) => group.length >= least).map((group) => ({ pattern, indexes: group.map(({ index }) => index) }));
}

const key = (value) => JSON.stringify(value);

function at(map, name, make) {
  if (!map.has(name)) map.set(name, make());
  return map.get(name);
}

function grouped(signatures, by) {
  const found = new Map();
  for (const one of signatures) at(found, key(by(one)), () => []).push(one);
  return [...found.values()];
}

function counted(signatures, by) {
  const found = new Map();
  for (const one of signatures) found.set(key(by(one)), (found.get(key(by(one))) || 0) + 1);
  return found;
}
