// Answer one request with npm's age-encryption: JSON on standard input and output, bytes as base64.
import * as age from "age-encryption";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { verb, key, passphrase, data } = JSON.parse(Buffer.concat(chunks).toString());
const bytes = Buffer.from(data ?? "", "base64");

const verbs = {
  async generate() {
    const identity = await age.generateHybridIdentity();
    return { identity, recipient: await age.identityToRecipient(identity) };
  },
  async recipient() {
    return { recipient: await age.identityToRecipient(key) };
  },
  async encrypt() {
    const encrypter = new age.Encrypter();
    if (passphrase) {
      encrypter.setPassphrase(passphrase);
      encrypter.setScryptWorkFactor(10);
    } else encrypter.addRecipient(key);
    return { data: Buffer.from(await encrypter.encrypt(bytes)).toString("base64") };
  },
  async decrypt() {
    const decrypter = new age.Decrypter();
    if (passphrase) decrypter.addPassphrase(passphrase);
    else decrypter.addIdentity(key);
    return { data: Buffer.from(await decrypter.decrypt(bytes)).toString("base64") };
  },
};

let answer;
try {
  answer = await verbs[verb]();
} catch (error) {
  answer = { error: error.message };
}
process.stdout.write(JSON.stringify(answer));
