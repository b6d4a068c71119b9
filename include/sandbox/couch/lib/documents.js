'use strict';
// Puts requests about documents into the shape that express-pouchdb expects. Where express-pouchdb is laxer than
// CouchDB, code that works here would fail there, so CouchDB's rules are enforced here.
const { dropUnknownRevisions } = require('./purge');
const { reply, refuse } = require('./replies');

const KEYS = ['key', 'keys', 'startkey', 'endkey', 'start_key', 'end_key'];
// PouchDB takes any option from the query, and some of them lock a database permanently. Like CouchDB, we ignore
// unknown options. Options that CouchDB supports and we do not are refused, so that nothing works only in part.
const OPTIONS = new Set([
  ...KEYS, 'rev', 'limit', 'skip', 'descending', 'include_docs', 'inclusive_end', 'conflicts', 'revs', 'revs_info',
  'since', 'feed', 'timeout', 'heartbeat', 'filter', 'style', 'reduce', 'group', 'group_level',
]);
const REFUSED = ['open_revs', 'latest', 'atts_since', 'new_edits', 'attachments', 'doc_ids', 'update_seq'];
const ALIASES = { start_key: 'startkey', end_key: 'endkey' };

/** Returns the document's id if the request is about one whole document (not an attachment), else null. */
function documentId(request) {
  const [, path] = /^\/[^/]*\/(.+)$/s.exec(request.path) || [];
  if (path === undefined || /^_(?!design\/[^/]+$)/.test(path)) return null;
  if (path.replace(/^_design\//, '').includes('/')) return null;
  return decodeURIComponent(path);
}

/** Checks the body's type and the query, before the body is read. */
function documentRules(request, response, next) {
  const id = documentId(request);
  request.headers.accept = 'application/json'; // otherwise the response is marked as plain text
  if (!settleContentType(request, id !== null)) {
    return refuse(response, 415, ['bad_content_type', 'Content-Type must be application/json']);
  }
  if (/^\/[^/]*\/(_design\/)?[^/_][^/]*\/[^_]/.test(request.path)) {
    return refuse(response, 400, ['bad_request', 'The embedded CouchDB keeps no attachments.']);
  }
  const unable = REFUSED.find((name) => request.query[name] !== undefined);
  if (unable) return refuse(response, 400, ['bad_request', `The embedded CouchDB does not do ${unable}.`]);
  const given = Object.entries(request.query).filter(([name, value]) => OPTIONS.has(name) && typeof value === 'string');
  request.query = Object.fromEntries(given);
  if (/\/(_all_docs|_view\/[^/]+)$/.test(request.path)) {
    const wrong = badKey(request.query);
    if (wrong) return refuse(response, 400, ['query_parse_error', `Invalid value for "${wrong}": it is not JSON.`]);
    for (const [alias, name] of Object.entries(ALIASES)) {
      if (request.query[alias] !== undefined) request.query[name] = request.query[alias];
    }
  }
  return next();
}

/** CouchDB requires POSTs to be JSON and reads any PUT of a document as JSON. PouchDB stores `{}` without the type. */
function settleContentType(request, isDocument) {
  const type = request.headers['content-type'] || '';
  if (/^application\/json\b/i.test(type)) return true;
  if (request.method === 'POST') return false;
  if (request.method === 'PUT' && isDocument) request.headers['content-type'] = 'application/json';
  return true;
}

/** CouchDB refuses a key that is not JSON (such as one with a missing quote). PouchDB would treat it as text. */
function badKey(query) {
  return KEYS.filter((key) => query[key] !== undefined).find((key) => {
    try {
      JSON.parse(query[key]);
      return false;
    } catch {
      return true;
    }
  });
}

/** Runs after the body is read: the id comes from the URL, the revision may be in a header, and deletions need one. */
function documentWrites(databases) {
  return async (request, response, next) => {
    try {
      const id = documentId(request);
      if (id === null) return next();
      const match = (request.headers['if-match'] || '').replace(/"/g, '');
      if (match) request.query.rev = match;
      const database = databases.open(request.path.split('/')[1]);
      if (request.method === 'PUT' && request.body) {
        request.body._id = id;
        delete request.body._revisions; // no replicated histories, see bulkDocs
        if (request.query.rev) request.body._rev = request.query.rev;
        delete request.query.rev;
        await dropUnknownRevisions(database, [request.body]);
      }
      if (request.method !== 'DELETE') return next();
      return await remove(database, id, request.query.rev, response);
    } catch (error) {
      return next(error);
    }
  };
}

/** As in CouchDB: 404 if the document does not exist, 409 if the revision is missing or not the newest. */
async function remove(database, id, rev, response) {
  try {
    await database.get(id);
    if (!rev) return refuse(response, 409);
    return reply(response, 200, await database.put({ _id: id, _rev: rev, _deleted: true }));
  } catch (error) {
    if (!error.status) throw error;
    return refuse(response, error.status, [error.name, error.message]);
  }
}

/** Returns a document's ETag: its revision, which PouchDB writes at the end of the body. */
function revisionTag(body) {
  const match = /"_rev":"(\d+-[0-9a-f]+)"\}\s*$/.exec(body.subarray(-120).toString('latin1'));
  return match ? `"${match[1]}"` : undefined;
}

module.exports = { documentRules, documentWrites, revisionTag };
