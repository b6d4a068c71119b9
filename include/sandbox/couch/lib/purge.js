'use strict';
// _purge, and writes of documents that never were or were purged, as CouchDB 3.5.2 has them. PouchDB cannot purge: a
// tombstone that says `purged` stands for a document that never was. Listings leave it out, but its id stays in the files.
const { reply, rewriteAnswer } = require('./replies');

const REVISION = /^[1-9]\d*-[0-9a-f]+$/;
const json = (value) => JSON.stringify(value) + '\n';

/** Returns whether this revision is the tombstone of a purged document. */
async function isPurged(database, id, rev) {
  return (await database.get(id, { rev })).purged === true;
}

/** Carries out what clears up, and hides purged documents from listings. */
function purging(databases) {
  return async (request, response, next) => {
    try {
      const [, folder, path] = /^\/([^/]+)\/(_purge|_compact\/[^/]+|_view_cleanup|_all_docs|_changes)$/.exec(request.path) || [];
      if (!path) return next();
      const database = databases.open(folder);
      if (path === '_all_docs' || path === '_changes') {
        rewriteAnswer(response, async (answer) => json(await withoutPurged(database, answer)));
        return next();
      }
      if (request.method !== 'POST') return next();
      if (path === '_purge') return await purge(database, request.body, response);
      // PouchDB keeps no old revisions of an index, and express-pouchdb never answers _view_cleanup.
      if (path === '_view_cleanup') await database.viewCleanup();
      return reply(response, 202, { ok: true });
    } catch (error) {
      return next(error);
    }
  };
}

/** As in CouchDB: only the newest revisions go, and an id that has none is answered with an empty list. */
async function purge(database, asked, response) {
  const purged = {};
  for (const [id, revisions] of Object.entries(asked || {})) {
    const { rows: [{ value }] } = await database.allDocs({ keys: [id] });
    purged[id] = value && Array.isArray(revisions) && revisions.includes(value.rev) ? [value.rev] : [];
    if (purged[id].length === 0) continue;
    // A tombstone cannot be written over a tombstone.
    const { rev } = value.deleted ? await database.put({ _id: id }) : value;
    await database.put({ _id: id, _rev: rev, _deleted: true, purged: true });
  }
  return reply(response, 201, { purge_seq: null, purged });
}

async function withoutPurged(database, answer) {
  if (answer.rows) {
    for (const [at, { id, key, value }] of answer.rows.entries()) {
      if (value?.deleted && await isPurged(database, id, value.rev)) answer.rows[at] = { key, error: 'not_found' };
    }
  }
  if (answer.results) {
    const kept = await Promise.all(answer.results.map(async ({ id, deleted, changes }) => (
      !(deleted && await isPurged(database, id, changes[0].rev)))));
    answer.results = answer.results.filter((_, at) => kept[at]);
  }
  return answer;
}

/**
 * Takes away revisions that CouchDB would not look at: those of documents that never were or were purged, unless a
 * validate_doc_update or a design document among those written has it look.
 */
async function dropUnknownRevisions(database, docs) {
  const ids = docs.filter((doc) => REVISION.test(doc._rev)).map((doc) => doc._id);
  if (ids.length === 0 || docs.some((doc) => doc._id.startsWith('_'))) return;
  const { rows } = await database.allDocs({ keys: ids });
  const gone = new Set();
  for (const { key, id, value } of rows) {
    if (!value || (value.deleted && await isPurged(database, id, value.rev))) gone.add(key);
  }
  if (gone.size === 0) return;
  const designs = await database.allDocs({ startkey: '_design/', endkey: '_design0', include_docs: true });
  if (designs.rows.some(({ doc }) => doc.validate_doc_update)) return;
  for (const doc of docs) {
    if (gone.has(doc._id)) delete doc._rev;
  }
}

module.exports = { purging, dropUnknownRevisions };
