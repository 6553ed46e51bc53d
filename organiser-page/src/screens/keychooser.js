/** Choose the key: a file, or what is on a key sheet as typed text or as a photo; and the passphrase that unlocks it. */

import { bytesOf, field, make, paragraph, text } from "../dom.js";
import { readKeyFile } from "../keyfile.js";
import { textInPhoto } from "../sheet.js";
import { utf8 } from "../bytes.js";
import { Refusal, say } from "../words.js";

export class KeyChooser {
  constructor() {
    this.files = make("input", { type: "file", multiple: true, onchange: () => this.#ask() });
    this.photo = make("input", { type: "file", accept: "image/*" });
    this.typed = make("textarea", { className: "key", spellcheck: false, autocomplete: "off" });
    this.passphrase = secret();
    this.others = new Map(); // by file: the passphrase of one of several key files
    this.asked = make("div");
    this.element = make("fieldset", {},
      make("legend", { className: "unseen" }, text("key_legend")),
      field("key_file", this.files, "key_fileHint"),
      make("details", {}, make("summary", {}, text("key_sheet")), field("key_photo", this.photo, "key_photoHint"), field("key_typed", this.typed, "key_typedHint")),
      field("key_passphrase", this.passphrase, "key_passphraseHint"), this.asked);
  }

  /** Return the secret keys, unlocked by `workers`. Throw a Refusal. */
  async identities(workers) {
    const found = [];
    for (const { bytes, name, own } of await this.#sources()) {
      const { identities, locked } = readKeyFile(bytes, name);
      found.push(...(identities ?? await this.#unlocked(workers, locked, name, own?.value || this.passphrase.value)));
    }
    if (!found.length) throw new Refusal("key_missing");
    return found;
  }

  /** Forget the passphrase, and what was typed: the screen stays in memory. */
  forget() {
    for (const input of [this.passphrase, this.typed, ...this.others.values()]) input.value = "";
  }

  #ask() {
    const files = this.files.files.length > 1 ? [...this.files.files] : [];
    this.others = new Map(files.map((file) => [file, secret()]));
    this.asked.replaceChildren(...[...this.others].map(([file, input]) => field("key_other", input, null, { file: file.name })));
  }

  async #sources() {
    const sources = await Promise.all(Array.from(this.files.files, async (file) => ({ bytes: await bytesOf(file), name: file.name, own: this.others.get(file) })));
    if (this.typed.value.trim()) sources.push({ bytes: utf8(this.typed.value), name: say("key_typedName") });
    for (const file of this.photo.files) sources.push({ bytes: utf8(await textInPhoto(file)), name: file.name });
    return sources;
  }

  async #unlocked(workers, locked, name, passphrase) {
    if (!passphrase) throw new Refusal("key_locked", { file: name });
    let content;
    try {
      content = await tried(workers, locked, passphrase);
    } catch (error) {
      if (/work factor/.test(error.message)) throw new Refusal("key_work", { file: name });
      throw new Refusal(/no identity matched/.test(error.message) ? "key_wrongPassphrase" : "key_changed", { file: name });
    }
    const { identities } = readKeyFile(content, name);
    if (!identities) throw new Refusal("key_none", { file: name });
    return identities;
  }
}

const secret = () => make("input", { type: "password", autocomplete: "off", spellcheck: false });

/** Unlock with a passphrase; if it is wrong, then without the spaces around it, as it was written when the key was made. */
async function tried(workers, file, passphrase) {
  try {
    return await workers.ask("unlock", { file, passphrase });
  } catch (error) {
    const bare = passphrase.trim();
    if (bare === passphrase || !/no identity matched/.test(error.message)) throw error;
    return workers.ask("unlock", { file, passphrase: bare });
  }
}

/** A note that a key is unlocked and stays in this page's memory. */
export const keyNote = () => paragraph("key_stays", {}, "hint");
