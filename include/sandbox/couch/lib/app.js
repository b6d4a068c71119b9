'use strict';
// The path of a request: login and rights, whole databases, CouchDB's rules for documents, then express-pouchdb.
const { load } = require('./packages');
const { Accounts } = require('./accounts');
const { Gate } = require('./gate');
const { rights, securityRoutes } = require('./rights');
const { serverRoutes } = require('./server-routes');
const { documentRules, documentWrites, revisionTag } = require('./documents');
const { traceRequest } = require('./strays');
const { collectionRules } = require('./collections');
const { purging } = require('./purge');
const { reply, refuse, mendRefusals } = require('./replies');

const BODY_LIMIT = '64mb'; // the whole request is kept in memory; this project's bulk writes are far smaller

/** express-pouchdb, reduced to requests inside a database. */
function insideDatabases(databases) {
  // It reads these functions from its module while it is loaded, so ours must be in place before.
  load('express-pouchdb/lib/create-or-delete-dbs').getOrCreateDB = async (Pouch, folder) => databases.open(folder);
  const couch = load('express-pouchdb')(databases.Pouch, {
    mode: 'minimumForPouchDB',
    overrideMode: {
      include: ['routes/find'],
      exclude: [
        ...['compression', 'routes/all-dbs', 'routes/root', 'routes/session-stub'], // we have our own, or they interfere
        ...['routes/attachments', 'routes/bulk-get', 'routes/revs-diff', 'routes/temp-views'], // not used, so they cannot break anything
      ],
    },
  });
  return couch.disable('x-powered-by').set('etag', revisionTag);
}

function buildApp(settings, databases) {
  const express = load('express');
  const gate = new Gate(new Accounts(settings, databases));
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.get('/_up', (request, response) => reply(response, 200, { status: 'ok' }));
  app.all('/_session', gate.session());
  app.use(gate.check());
  app.use(rights(databases));
  app.use(securityRoutes(databases));
  app.use(serverRoutes(databases));
  app.use(documentRules);
  app.use(express.json({ limit: BODY_LIMIT, type: isJson }));
  app.use(traceRequest); // after the body is read, which happens in the connection's context
  app.use(collectionRules(databases));
  app.use(purging(databases));
  app.use(documentWrites(databases));
  app.use(mendRefusals);
  app.use(insideDatabases(databases));
  app.use(lastResort);
  return app;
}

/** Other bodies are not parsed, because no route reads them. */
function isJson(request) {
  return /^application\/json\b/i.test(request.headers['content-type'] || '');
}

// Express recognises an error handler by its four parameters.
function lastResort(error, request, response, next) { // eslint-disable-line no-unused-vars
  if (response.headersSent) return response.destroy();
  if (error instanceof URIError || error.status === 400) return refuse(response, 400);
  if (error.status === 413) return refuse(response, 413);
  if (error.status > 400 && error.status < 500) return refuse(response, error.status, ['bad_request', error.message]);
  console.error(error);
  return refuse(response, 500, ['internal_server_error', String(error && error.message)]);
}

module.exports = { buildApp };
