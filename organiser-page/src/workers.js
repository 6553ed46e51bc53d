/** The workers of this page. Each has the keys in its memory until `end`. */

import workerCode from "worker-code";

const MOST = 8;

/** Some workers that share the work. */
export class Workers {
  /** Start one for each processor, at most 8. */
  constructor(count = Math.min(MOST, Math.max(1, navigator.hardwareConcurrency || 2))) {
    const address = URL.createObjectURL(new Blob([workerCode], { type: "text/javascript" }));
    this.all = Array.from({ length: count }, () => new One(address));
    this.width = count;
    this.next = 0;
  }

  /** Give every worker these secret keys. */
  use(identities) {
    return Promise.all(this.all.map((one) => one.ask("use", { identities })));
  }

  /** Let the next worker do something. Return a promise of its result, which fails with the worker's error. */
  ask(verb, values) {
    this.next = (this.next + 1) % this.width;
    const free = this.all.reduce((best, one) => (one.waiting.size < best.waiting.size ? one : best), this.all[this.next]);
    return free.ask(verb, values);
  }

  /** End all workers. What was asked and not answered fails. */
  end() {
    for (const one of this.all) one.end();
  }
}

class One {
  constructor(address) {
    this.worker = new Worker(address);
    this.waiting = new Map();
    this.count = 0;
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const { yes, no } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) yes(result);
      else no(new Error(error));
    };
    this.worker.onerror = (event) => this.fail(event.message || "the worker failed");
  }

  ask(verb, values) {
    const id = ++this.count;
    return new Promise((yes, no) => {
      this.waiting.set(id, { yes, no });
      this.worker.postMessage({ id, verb, ...values });
    });
  }

  fail(message) {
    for (const { no } of this.waiting.values()) no(new Error(message));
    this.waiting.clear();
  }

  end() {
    this.worker.terminate();
    this.fail("ended");
  }
}
