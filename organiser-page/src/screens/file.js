/** Check a key by the desk's code file, or open another locked file. */

import { Wrongs, bytesOf, button, copyButton, doing, field, make, paragraph, save, text } from "../dom.js";
import { isAge, isLocked, unarmored } from "../sealed.js";
import { Refusal } from "../words.js";
import { Workers } from "../workers.js";
import { KeyChooser, keyNote } from "./keychooser.js";

const CODE = /^[a-z2-7]{8,64}$/;

export function fileScreen() {
  const files = make("input", { type: "file" }), chooser = new KeyChooser(), wrongs = new Wrongs(), result = make("div", { role: "status" });
  const go = button("file_go", () => doing(go, wrongs, async () => {
    result.replaceChildren();
    const [file] = files.files;
    if (!file) throw new Refusal("file_missing");
    const bytes = await bytesOf(file);
    if (!isAge(bytes)) throw new Refusal("file_other", { file: file.name });
    const workers = new Workers(1);
    try {
      result.replaceChildren(paragraph("key_wait"));
      await workers.use(await chooser.identities(workers));
      const content = await opened(workers, bytes, file.name);
      chooser.forget();
      result.replaceChildren(...shown(content, file.name));
    } catch (error) {
      result.replaceChildren();
      throw error;
    } finally {
      workers.end();
    }
  }));
  return make("div", {},
    make("p", { className: "back" }, make("a", { href: "#" }, text("back"))),
    make("h1", {}, text("file")), paragraph("file_lead"),
    field("file_file", files, "file_fileHint"), chooser.element, keyNote(), wrongs.element, make("p", { className: "actions" }, go), result);
}

async function opened(workers, file, name) {
  try {
    return await workers.ask("file", { file });
  } catch (error) {
    if (!/no identity matched/.test(error.message)) throw new Refusal("file_damaged", { file: name });
    throw new Refusal(isLocked(unarmored(file)) ? "file_passphrase" : "file_wrongKey", { file: name });
  }
}

function shown(content, name) {
  const line = new TextDecoder().decode(content.subarray(0, 100)).trim();
  if (content.length < 100 && CODE.test(line)) {
    return [paragraph("file_opens", {}, "message"), make("h2", {}, text("file_code")), make("code", { className: "code" }, line), make("p", { className: "actions" }, copyButton("copy", () => line)), paragraph("file_next")];
  }
  const plain = name.replace(/\.age$/i, "") || "opened";
  return [paragraph("file_opened", { file: plain }, "message"), make("p", { className: "actions" }, button("save", () => save(plain, content))), paragraph("file_clear", {}, "hint")];
}
