// Asks a CouchDB with the part of Cozy's own client that builds its queries (cozy-stack-client's DocumentCollection).
// Reads one JSON order from stdin and prints one JSON answer. In Cozy, cozy-stack stands between the two and leads
// /data/<doctype>/... to the doctype's database and says whether a page may have a next one; here `throughStack` does.
'use strict';
const Module = require('module');
const { createRequire } = Module;
const path = require('path');

const order = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const load = Module._load;
// Switches for functions of the stack. All are off in an installation that sets none.
Module._load = (name, ...rest) =>
  name === 'cozy-flags' ? { __esModule: true, default: () => false } : load(name, ...rest);
const required = createRequire(path.join(order.packages, 'package.json'));
const DocumentCollection = required('cozy-stack-client/dist/DocumentCollection').default;
const { FetchError } = required('cozy-stack-client/dist/errors');

const sent = [];
const ms = []; // of each of these

async function throughStack(method, address, body) {
  const [, doctype, rest] = /^\/data\/([^/]+)\/(.*)$/.exec(address);
  const database = encodeURIComponent(order.prefix + doctype.replace(/\./g, '-'));
  sent.push([method, rest.split('?')[0]]);
  const started = performance.now();
  const response = await fetch(`${order.url}/${database}/${rest}`, {
    method,
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      Authorization: 'Basic ' + Buffer.from(`${order.user}:${order.password}`).toString('base64'),
    },
    body: body === undefined || body === null ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  ms.push(performance.now() - started);
  if (!response.ok) throw new FetchError(response, answer);
  if (rest === '_find') answer.next = answer.docs.length >= (body.limit || 100);
  return answer;
}

async function pages(collection, selector, options) {
  const found = [];
  let next = { bookmark: undefined };
  for (let page = 0; page < order.pages; page++) {
    const answer = await collection.find(selector, { ...options, ...next });
    found.push(answer.data);
    if (!answer.next) break;
    next = { bookmark: answer.bookmark };
  }
  return found;
}

async function main() {
  const collection = new DocumentCollection(order.doctype, { fetchJSON: throughStack });
  const answer = order.all
    ? [(await collection.all({ limit: null })).data]
    : await pages(collection, order.selector, order.options);
  return { pages: answer, sent, ms };
}

main().then(
  (answer) => process.stdout.write(JSON.stringify(answer)),
  (error) => process.stdout.write(JSON.stringify({ error: String(error.message || error), status: error.status, sent })),
);
