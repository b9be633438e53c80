// The token endpoint as Microsoft's own library sees it, and what a server does that wants tokens.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { suite, test } from "node:test";

import { DynamicsWebApi } from "dynamics-web-api";

import { application, client, origin, refused, root, seed, token, tokensRequired } from "../support/server.js";

const scopes = [`${origin}/.default`];
const bare = (config = {}) => new DynamicsWebApi({ serverUrl: origin, ...config });

suite("a token", () => {
  test("is had for a client secret, and kept", async () => {
    const app = application();
    const first = await app.acquireTokenByClientCredential({ scopes });
    assert.equal(first.tokenType, "Bearer");
    const minutes = (first.expiresOn - Date.now()) / 60000;
    assert.ok(minutes > 55 && minutes < 65, `good for ${minutes} minutes`);
    const second = await app.acquireTokenByClientCredential({ scopes });
    assert.equal(second.fromCache, true);
    assert.equal(second.accessToken, first.accessToken);
  });

  test("is had for a certificate", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const clientCertificate = {
      thumbprintSha256: createHash("sha256").update("a certificate").digest("hex"),
      privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
    };
    const got = await application({ clientCertificate }).acquireTokenByClientCredential({ scopes });
    assert.equal(got.tokenType, "Bearer");
  });

  test("says who it is for", async () => {
    const [, payload] = (await token()).split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url"));
    assert.equal(claims.appid, seed.application);
    assert.ok(claims.exp > Date.now() / 1000);
  });

  test("is not had for a grant that there is not", async () => {
    const answer = await fetch(`${origin}/common/oauth2/v2.0/token`, {
      method: "POST", body: new URLSearchParams({ grant_type: "magic", client_id: seed.application }),
    });
    assert.equal(answer.status, 400);
    assert.equal((await answer.json()).error, "unsupported_grant_type");
  });

  test("makes its application the caller", async () => {
    const api = bare({ onTokenRefresh: token });
    assert.equal((await api.callFunction("WhoAmI")).UserId, seed.applicationUser);
  });
});

suite(tokensRequired ? "a server that wants tokens" : "a server that wants no tokens", () => {
  const without = (more) => bare().callFunction({ name: "WhoAmI", ...more });

  if (!tokensRequired) {
    test("answers without", async () => assert.equal((await without()).UserId, seed.applicationUser));
    test("takes any", async () => assert.equal((await bare({ onTokenRefresh: async () => "any" }).callFunction("WhoAmI")).UserId, seed.applicationUser));
    return;
  }

  test("refuses what has none, and says where they are had", async () => {
    const error = await without().then(() => assert.fail("was answered"), (e) => e);
    assert.equal(error.status, 401);
    const header = error.headers["www-authenticate"];
    assert.match(header, /^Bearer /);
    const authority = /authorization_uri="?([^",\s]+)/i.exec(header)?.[1];
    const resource = /resource_id="?([^",\s]+)/i.exec(header)?.[1];
    assert.ok(authority?.startsWith(`${origin}/`) && resource?.startsWith(origin), header);
    const discovered = authority.replace(/\/oauth2\/authorize$/, "/oauth2/v2.0/token");
    const answer = await fetch(discovered, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials", client_id: seed.application, client_secret: "any", scope: `${resource.replace(/\/$/, "")}/.default` }),
    });
    const { access_token } = await answer.json();
    assert.equal((await bare({ onTokenRefresh: async () => access_token }).callFunction("WhoAmI")).UserId, seed.applicationUser);
  });

  test("refuses a token of somebody else, and a changed one", async () => {
    const [header, payload] = (await token()).split(".");
    for (const wrong of ["any", `${header}.${payload}.`, `${header}.${payload}.AAAA`]) {
      const error = await bare({ onTokenRefresh: async () => wrong }).callFunction("WhoAmI").then(() => assert.fail("was answered"), (e) => e);
      assert.equal(error.status, 401);
    }
  });

  test("wants one for everything", async () => {
    for (const path of ["", "$metadata", "accounts", "EntityDefinitions"]) {
      const answer = await fetch(root + path);
      assert.equal(answer.status, 401, path);
    }
    const api = bare();
    api.startBatch();
    api.callFunction("WhoAmI");
    const error = await api.executeBatch().then(() => assert.fail("was answered"), (e) => e);
    assert.equal(error.status, 401);
  });

  test("lets a token act for another user", async () => {
    assert.equal((await client({ impersonate: seed.agent.id }).callFunction("WhoAmI")).UserId, seed.agent.id);
    await refused(client({ impersonate: "00000000-0000-4000-8000-000000000009" }).callFunction("WhoAmI"), 403, "0x8004a110");
  });
});
