'use strict';
// The rights of accounts that are not server administrators: they may read and write documents in the databases whose
// _security names them, but not manage databases. Statuses and messages are those of CouchDB 3.5.
const express = require('./packages').load('express');
const names = require('./names');
const { reply, refuse } = require('./replies');
const { keptUser, wrongUser, USERS } = require('./accounts');

const SECURITY = '_local/_security';
const NO_ONE = { admins: { roles: ['_admin'] }, members: { roles: ['_admin'] } }; // CouchDB 3's default
const SERVER_ADMIN = ['unauthorized', 'You are not a server admin.'];
const DB_ADMIN = ['unauthorized', 'You are not a db or server admin.'];
const SERVER_ADMINS = /^\/[^/?]*\/(_purge|_purged_infos_limit)\b/;
const DB_ADMINS = /^\/[^/?]*\/(_compact|_view_cleanup|_revs_limit|_index)\b/;

async function securityOf(databases, name) {
  try {
    return (await databases.open(names.toFolder(name)).get(SECURITY)).security;
  } catch (error) {
    if (error.status === 404) return NO_ONE;
    throw error;
  }
}

const listed = (who, { names: users = [], roles = [] } = {}) => users.includes(who.name) || roles.some((role) => who.roles.includes(role));

/** Refuses requests that the account has no right to make. */
function rights(databases) {
  return async (request, response, next) => {
    try {
      const { who } = request;
      if (who.admin) return next();
      if (request.path === '/_all_dbs') return refuse(response, 401, SERVER_ADMIN);
      const target = names.splitUrl(request.url);
      if (target === null) return next();
      const whole = /^\/?(\?|$)/.test(target.rest);
      if (whole && (request.method === 'PUT' || request.method === 'DELETE')) return refuse(response, 401, SERVER_ADMIN);
      if (!databases.has(target.name)) return next(); // 404 for everybody
      const security = await securityOf(databases, target.name);
      const admin = listed(who, security.admins);
      if (!admin && !listed(who, security.members)) {
        return refuse(response, 403, ['forbidden', 'You are not allowed to access this db.']);
      }
      if (SERVER_ADMINS.test(request.url)) return refuse(response, 401, SERVER_ADMIN);
      if (admin) return next();
      if (DB_ADMINS.test(request.url)) return refuse(response, 401, DB_ADMIN);
      const [, changed] = (request.method !== 'GET' && /^\/[^/?]*\/(_security|_design\/)/.exec(request.url)) || [];
      if (changed === '_security') return refuse(response, 500, ['error', 'no_majority']); // its shards refuse
      return changed ? refuse(response, 403, ['forbidden', DB_ADMIN[1]]) : next();
    } catch (error) {
      return next(error);
    }
  };
}

/** GET and PUT /db/_security, and users' documents, stored without passwords. Runs after rights(), before the databases. */
function securityRoutes(databases) {
  const body = express.json({ type: () => true });
  return async (request, response, next) => {
    try {
      const target = names.splitUrl(request.url);
      if (target === null || !databases.has(target.name)) return next();
      if (/^\/_security(\?|$)/.test(target.rest)) {
        if (request.method === 'GET') return reply(response, 200, await securityOf(databases, target.name));
        if (request.method !== 'PUT') return refuse(response, 405, ['method_not_allowed', 'Only PUT,GET allowed']);
        return body(request, response, async (error) => {
          if (error) return next(error);
          try {
            return await keepSecurity(databases.open(names.toFolder(target.name)), request.body, response);
          } catch (failed) {
            return next(failed);
          }
        });
      }
      const writes = !['GET', 'HEAD', 'DELETE'].includes(request.method);
      if (target.name !== USERS || !writes || /^\/?(\?|$)/.test(target.rest)) return next();
      const [, id] = /^\/([^/?]+)(\?|$)/.exec(target.rest) || [];
      if (request.method !== 'PUT' || id === undefined) {
        if (/^\/_(all_docs|find)\b/.test(target.rest)) return next();
        return refuse(response, 400, ['bad_request', 'The embedded CouchDB takes users one by one, by PUT.']);
      }
      return body(request, response, (error) => {
        if (error) return next(error);
        const wrong = wrongUser(decodeURIComponent(id), request.body || {});
        if (wrong) return refuse(response, 403, ['forbidden', wrong]);
        request.body = keptUser(request.body);
        return next();
      });
    } catch (error) {
      return next(error);
    }
  };
}

async function keepSecurity(database, asked, response) {
  const security = {}; // only the lists: anything else that a client sends is ignored
  for (const group of ['admins', 'members']) {
    security[group] = {};
    for (const kind of ['names', 'roles']) {
      const list = asked?.[group]?.[kind] ?? [];
      if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
        return refuse(response, 400, ['bad_request', `${kind} must be a JSON list of strings`]);
      }
      security[group][kind] = list;
    }
  }
  const before = await database.get(SECURITY).catch(() => ({}));
  await database.put({ _id: SECURITY, _rev: before._rev, security });
  return reply(response, 200, { ok: true });
}

module.exports = { rights, securityRoutes };
