'use strict';
// Authentication by HTTP basic authentication or a session cookie. Only /_up works without an account. Behind the gate,
// express-pouchdb runs without authentication of its own, because its refusals can hang or crash a server.
const crypto = require('crypto');
const { load } = require('./packages');
const { refuse } = require('./replies');

const express = load('express');
const SESSION_MS = 600_000;
const digest = (text) => crypto.createHash('sha256').update(String(text)).digest();
const same = (a, b) => crypto.timingSafeEqual(digest(a), digest(b));

class Gate {
  constructor(accounts) {
    this.accounts = accounts;
    this.key = crypto.randomBytes(32); // sessions end with the server
  }

  sign(text) {
    return crypto.createHmac('sha256', this.key).update(text).digest('base64url');
  }

  /** Returns the account of this request and how it was authenticated ('default' for basic, or 'cookie'), or null. */
  async caller(request) {
    const [scheme, value = ''] = (request.headers.authorization || '').split(' ');
    if (/^basic$/i.test(scheme)) {
      const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) || [];
      const who = await this.accounts.login(user, password);
      return who && { who, handler: 'default' };
    }
    const [, name, until, signature] = /(?:^|;\s*)AuthSession=([\w-]*)\.(\d+)\.([\w-]+)/.exec(request.headers.cookie || '') || [];
    if (!until || !same(signature, this.sign(`${name}.${until}`)) || Number(until) <= Date.now()) return null;
    const who = await this.accounts.named(Buffer.from(name, 'base64url').toString());
    return who && { who, handler: 'cookie' };
  }

  /** GET, POST and DELETE /_session. */
  session() {
    return [express.json(), express.urlencoded({ extended: false }), this.guarded(async (request, response) => {
      if (request.method === 'DELETE') return response.clearCookie('AuthSession').json({ ok: true });
      const body = request.body || {};
      if (request.method !== 'POST') {
        const caller = await this.caller(request);
        if (!caller && request.headers.authorization) return refuse(response, 401);
        return response.json({
          ok: true,
          userCtx: { name: caller ? caller.who.name : null, roles: caller ? caller.who.roles : [] },
          info: { authentication_handlers: ['cookie', 'default'], authenticated: caller ? caller.handler : undefined },
        });
      }
      const who = await this.accounts.login(body.name ?? body.username, body.password);
      if (!who) return refuse(response, 401);
      const session = `${Buffer.from(who.name).toString('base64url')}.${Date.now() + SESSION_MS}`;
      response.cookie('AuthSession', `${session}.${this.sign(session)}`, { httpOnly: true, maxAge: SESSION_MS, sameSite: 'strict' });
      return response.json({ ok: true, name: who.name, roles: who.roles });
    })];
  }

  /** Refuses requests without an account, and removes the credentials from all others. */
  check() {
    return this.guarded(async (request, response, next) => {
      const caller = await this.caller(request);
      if (!caller) {
        response.set('WWW-Authenticate', 'Basic realm="couchdb"');
        return refuse(response, 401);
      }
      request.who = caller.who;
      delete request.headers.authorization;
      delete request.headers.cookie;
      return next();
    });
  }

  /** Wraps a handler, and answers 403 if the account turns out to be locked. */
  guarded(handler) {
    return async (request, response, next) => {
      try {
        return await handler(request, response, next);
      } catch (error) {
        return error && error.locked ? refuse(response, 403, ['forbidden', error.locked]) : next(error);
      }
    };
  }
}

module.exports = { Gate };
