'use strict';
// _bulk_docs, _find and _changes: turns express-pouchdb's answers into CouchDB's.
const crypto = require('crypto');
const { dropUnknownRevisions } = require('./purge');
const { refuse, rewriteAnswer } = require('./replies');

const LONGPOLL_MS = 60_000;
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const json = (value) => JSON.stringify(value) + '\n';

/** Runs before express-pouchdb handles the request. Its body has already been read. */
function collectionRules(databases) {
  return (request, response, next) => {
    const [, folder, name] = /^\/([^/]+)\/(_bulk_docs|_find|_changes|_design_docs)$/.exec(request.path) || [];
    if (!name) return next();
    if (name === '_design_docs') return designDocs(request, next);
    if (request.method === 'POST' && !isObject(request.body)) {
      return refuse(response, 400, ['bad_request', 'Request body must be a JSON object']);
    }
    if (name === '_bulk_docs') return bulkDocs(databases.open(folder), request, response, next);
    return { _find: find, _changes: changes }[name](request, response, next);
  };
}

/** Cozy's clients look there for indexes. express-pouchdb has no such path; what is in it are documents like others. */
function designDocs(request, next) {
  request.url = request.url.replace('/_design_docs', '/_all_docs');
  Object.assign(request.query, { startkey: '"_design/"', endkey: '"_design0"' });
  return next();
}

/** PouchDB returns rows in any order, CouchDB in the order of the request. */
function bulkDocs(database, request, response, next) {
  const docs = request.body && request.body.docs;
  if (!Array.isArray(docs)) return refuse(response, 400, ['bad_request', '`docs` parameter must be an array.']);
  if (!docs.every(isObject)) return refuse(response, 400, ['bad_request', 'Document must be a JSON object']);
  if (request.body.new_edits === false) {
    // An invalid revision history would break the database for all clients.
    return refuse(response, 400, ['bad_request', 'The embedded CouchDB takes no replicated revisions (new_edits=false).']);
  }
  for (const doc of docs) {
    if (doc._id === undefined) doc._id = crypto.randomBytes(16).toString('hex');
    const wrong = badId(doc._id);
    if (wrong) return refuse(response, 400, ['illegal_docid', wrong]);
    delete doc._revisions;
  }
  rewriteAnswer(response, (rows) => {
    const byId = groupById(rows);
    return json(docs.map((doc) => byId.get(doc._id).shift()));
  });
  return dropUnknownRevisions(database, docs).then(() => next(), next);
}

function groupById(rows) {
  const byId = new Map();
  for (const row of rows) byId.set(row.id, [...(byId.get(row.id) || []), row]);
  return byId;
}

function badId(id) {
  if (typeof id !== 'string') return 'Document id must be a string';
  if (id === '') return 'Document id must not be empty';
  if (id.startsWith('_') && !/^_(design|local)\/./.test(id)) return 'Only reserved document ids may start with underscore.';
  return null;
}

/** PouchDB has no bookmarks, so an offset is used instead. */
function find(request, response, next) {
  const body = request.body;
  const wrong = badQuery(body);
  if (wrong) return refuse(response, 400, ['bad_request', wrong]);
  const [, offset] = /^o(\d+)$/.exec(body.bookmark || '') || [];
  delete body.bookmark;
  delete body.execution_stats;
  body.limit ??= 25; // CouchDB's default
  if (offset) body.skip = Number(offset);
  rewriteAnswer(response, (answer) => json({ ...answer, bookmark: 'o' + ((body.skip || 0) + answer.docs.length) }));
  refuseUnindexed(response);
  return next();
}

/** Cozy's clients make the index that is missing when they read CouchDB's words. */
function refuseUnindexed(response) {
  const send = response.send;
  response.send = (body) => {
    response.send = send;
    if (response.statusCode >= 400 && /There is no index available|Cannot sort on field/.test(String(body))) {
      return refuse(response, 400, ['no_usable_index', 'No index exists for this sort, try indexing by the sort fields.']);
    }
    return response.send(body);
  };
}

function badQuery({ selector, fields, limit, skip }) {
  if (!isObject(selector)) return 'Selector must be a JSON object';
  if (fields !== undefined && !Array.isArray(fields)) return 'Fields must be an array';
  for (const [name, value] of Object.entries({ limit, skip })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0)) return `Invalid ${name}: it must be a number of documents`;
  }
  return null;
}

/** CouchDB writes one change per line, and clients rely on it. Here, `pending` only says none (0) or some (1). */
function changes(request, response, next) {
  const feed = request.query.feed || 'normal';
  if (!['normal', 'longpoll', 'continuous'].includes(feed)) {
    return refuse(response, 400, ['bad_request', 'The embedded CouchDB has normal, longpoll and continuous feeds only.']);
  }
  const { doc_ids } = request.body || {};
  if (doc_ids !== undefined && !Array.isArray(doc_ids)) {
    return refuse(response, 400, ['bad_request', '`doc_ids` member is not a list.']);
  }
  const selector = request.query.filter === '_selector' && (request.body || {}).selector;
  if (selector) {
    delete request.query.filter;
    request.query.selector = JSON.stringify(selector);
  } else if (/^_(selector|design$)/.test(request.query.filter || '')) {
    return refuse(response, 400, ['bad_request', 'filter=_selector needs a POST with a selector.']);
  }
  if (feed === 'normal') {
    rewriteAnswer(response, ({ results, last_seq }) => {
      const lines = results.map(({ seq, id, ...change }) => JSON.stringify({ seq, id, ...change }));
      const pending = results.length >= (Number(request.query.limit) || Infinity) ? 1 : 0;
      return `{"results":[\n${lines.join(',\n')}\n],\n"last_seq":${JSON.stringify(last_seq)},"pending":${pending}}\n`;
    });
  } else if (feed === 'longpoll') {
    endLongpoll(request, response);
  }
  return next();
}

/** express-pouchdb ignores timeout= and would send heartbeats forever. */
function endLongpoll(request, response) {
  const wait = Math.min(Number(request.query.timeout) || LONGPOLL_MS, LONGPOLL_MS);
  const since = Number(request.query.since) || 0;
  const timer = setTimeout(() => {
    if (response.writableEnded) return;
    response.end(response.headersSent ? `],\n"last_seq":${since}}\n` : `{"results":[\n],\n"last_seq":${since}}\n`);
  }, wait);
  response.on('close', () => clearTimeout(timer));
}

module.exports = { collectionRules };
