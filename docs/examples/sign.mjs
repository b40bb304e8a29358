// Signs URLs for an edge: node sign.mjs SCHEME BASE PATH EXPIRES NAME SECRET
import { createHash, createHmac } from "node:crypto";

// begin ect
function ect(base, path, expires, kid, secretHex) {
  const scope = path.slice(0, path.lastIndexOf("/") + 1); // everything in and below the directory
  const payload = `exp=${expires}\np=${scope}\n`;
  const text = `h1.${kid}.${Buffer.from(payload).toString("base64url")}`;
  const mac = createHmac("sha256", Buffer.from(secretHex, "hex")).update(text).digest("base64url");
  return `${base}/ect=${text}.${mac}${path}`;
}
// end ect

// begin vdox
function vdox(base, path, expires, account, secret) {
  const at = expires - 300; // a token is good for 300 seconds after its time
  const digest = createHash("md5").update(`${at}${path}${secret}`).digest("hex");
  return `${base}/?account=${account}&file=${path}&token=${at.toString(16)}%7C${digest}`;
}
// end vdox

// begin secure-link
function secureLink(base, path, expires, _, secret) {
  const digest = createHash("md5").update(`${expires}${path} ${secret}`).digest("base64url");
  return `${base}${path}?md5=${digest}&expires=${expires}`;
}
// end secure-link

// begin edgeauth
function edgeauth(base, path, expires, _, secretHex) {
  const acl = path.slice(0, path.lastIndexOf("/") + 1) + "*";
  const text = `exp=${expires}~acl=${acl}`;
  const mac = createHmac("sha256", Buffer.from(secretHex, "hex")).update(text).digest("hex");
  return `${base}${path}?__token__=${text}~hmac=${mac}`;
}
// end edgeauth

// begin bunny
function bunny(base, path, expires, _, secret) {
  const mac = createHmac("sha256", secret).update(`${path}${expires}`).digest("base64url");
  return `${base}${path}?token=HS256-${mac}&expires=${expires}`;
}
// end bunny

const schemes = { ect, vdox, "secure-link": secureLink, edgeauth, bunny };
const [scheme, base, path, expires, name, secret] = process.argv.slice(2);
console.log(schemes[scheme](base, path, Number(expires), name, secret));
