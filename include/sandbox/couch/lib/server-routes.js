'use strict';
// The server's own paths, and creating, listing, describing and deleting databases.
const names = require('./names');
const { reply, refuse } = require('./replies');

const GREETING = {
  couchdb: 'Welcome',
  version: '3.5.2', // whose answers ours are, without partitions
  features: [],
  vendor: { name: 'GRDF sandbox (PouchDB)' },
};

/** Answers requests about whole databases. Passes on those inside an existing database, with the name of its folder. */
function serverRoutes(databases) {
  return async (request, response, next) => {
    try {
      const target = names.splitUrl(request.url);
      if (target === null) return serverPath(databases, request, response);
      const { name, rest } = target;
      if (/^\/?(\?|$)/.test(rest) && request.method !== 'POST') return await database(databases, name, request, response);
      if (!databases.has(name)) return refuse(response, 404);
      request.url = '/' + names.toFolder(name) + rest;
      return next();
    } catch (error) {
      return next(error);
    }
  };
}

function serverPath(databases, request, response) {
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (request.path === '/') return reply(response, 200, GREETING);
    if (request.path === '/_all_dbs') return reply(response, 200, databases.list());
  }
  if (request.method === 'PUT' && /^\/_[^/]*$/.test(request.path)) {
    return refuse(response, 400, names.refusal(request.path.slice(1)));
  }
  return refuse(response, 404, ['not_found', 'missing']);
}

async function database(databases, name, request, response) {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return databases.has(name) ? reply(response, 200, await databases.info(name)) : refuse(response, 404);
    case 'PUT': {
      const wrong = names.refusal(name);
      if (wrong) return refuse(response, 400, wrong);
      if (request.query.partitioned === 'true') {
        return refuse(response, 400, ['bad_request', 'The embedded CouchDB has no partitioned databases.']);
      }
      if (!(await databases.create(name))) return refuse(response, 412);
      response.location('/' + encodeURIComponent(name));
      return reply(response, 201, { ok: true });
    }
    case 'DELETE':
      if (request.query.rev !== undefined) {
        return refuse(response, 400, ['bad_request', 'You tried to DELETE a database with a ?rev= parameter. ' +
          'Did you mean to DELETE a document instead?']);
      }
      return (await databases.destroy(name)) ? reply(response, 200, { ok: true }) : refuse(response, 404);
    default:
      return refuse(response, 405, ['method_not_allowed', 'Only DELETE,GET,HEAD,POST,PUT allowed']);
  }
}

module.exports = { serverRoutes };
