'use strict';
// Requests about documents, put into the shape express-pouchdb understands. Where it is laxer than CouchDB, code that
// works here would fail there: so these lay down CouchDB's rules.
const { reply, refuse } = require('./replies');

const KEYS = ['key', 'keys', 'startkey', 'endkey', 'start_key', 'end_key'];
// PouchDB takes any option from the query, some of which leave a database locked for good. CouchDB ignores what it does
// not know, and so do we; what CouchDB does know and we do not is refused, never half done.
const OPTIONS = new Set([
  ...KEYS, 'rev', 'limit', 'skip', 'descending', 'include_docs', 'inclusive_end', 'conflicts', 'revs', 'revs_info',
  'since', 'feed', 'timeout', 'heartbeat', 'filter', 'style', 'reduce', 'group', 'group_level',
]);
const REFUSED = ['open_revs', 'latest', 'atts_since', 'new_edits', 'attachments', 'doc_ids', 'update_seq'];
const ALIASES = { start_key: 'startkey', end_key: 'endkey' };

/** The document's id when the request is about one whole document (not about an attachment), else null. */
function documentId(request) {
  const [, path] = /^\/[^/]*\/(.+)$/s.exec(request.path) || [];
  if (path === undefined || /^_(?!design\/[^/]+$)/.test(path)) return null;
  if (path.replace(/^_design\//, '').includes('/')) return null;
  return decodeURIComponent(path);
}

/** Before the body is read: its type, and what the query says. */
function documentRules(request, response, next) {
  const id = documentId(request);
  request.headers.accept = 'application/json'; // else the answer is marked as plain text
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

/** CouchDB wants POSTs marked as JSON and reads any PUT of a document as JSON; PouchDB stores `{}` for an unmarked one. */
function settleContentType(request, isDocument) {
  const type = request.headers['content-type'] || '';
  if (/^application\/json\b/i.test(type)) return true;
  if (request.method === 'POST') return false;
  if (request.method === 'PUT' && isDocument) request.headers['content-type'] = 'application/json';
  return true;
}

/** CouchDB refuses a key that is not JSON (a forgotten quote); PouchDB would take it as text. */
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

/** Once the body is read: the id is the URL's, the revision may stand in a header, and a deletion must name it. */
function documentWrites(databases) {
  return async (request, response, next) => {
    try {
      const id = documentId(request);
      if (id === null) return next();
      const match = (request.headers['if-match'] || '').replace(/"/g, '');
      if (match) request.query.rev = match;
      if (request.method === 'PUT' && request.body) {
        request.body._id = id;
        delete request.body._revisions; // no replicated histories, see bulkDocs
      }
      if (request.method !== 'DELETE') return next();
      return await remove(databases.open(request.path.split('/')[1]), id, request.query.rev, response);
    } catch (error) {
      return next(error);
    }
  };
}

/** As CouchDB: 404 for what is not there, 409 for a revision that is missing or not the newest. */
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

/** A document's ETag is its revision, which PouchDB writes last in the text it sends. */
function revisionTag(body) {
  const match = /"_rev":"(\d+-[0-9a-f]+)"\}\s*$/.exec(body.subarray(-120).toString('latin1'));
  return match ? `"${match[1]}"` : undefined;
}

module.exports = { documentRules, documentWrites, revisionTag };
