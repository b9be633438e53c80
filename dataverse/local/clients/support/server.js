// The local Dataverse that the tests talk to: tools/clients.sh starts it and says where it is and whether it wants tokens.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { ConfidentialClientApplication } from "@azure/msal-node";
import { DynamicsWebApi } from "dynamics-web-api";

/** Scheme, host and port, as http://127.0.0.1:8090. */
export const origin = (process.env.BOTVERSE_DATAVERSE ?? "").replace(/\/+$/, "");
assert.match(origin, /^http:\/\/[^/]+$/, "BOTVERSE_DATAVERSE must be the origin of a local Dataverse; tools/clients.sh sets it");

/** The service root, ending in a slash. */
export const root = `${origin}/api/data/v9.2/`;

/** Whether the server refuses what has no token. */
export const tokensRequired = process.env.BOTVERSE_REQUIRE_AUTH === "true";

/** What the demo seed has. */
export const seed = {
  application: "ab000000-0000-4000-8000-000000000003",
  applicationUser: "50000000-0000-4000-8000-000000000003",
  agent: { id: "50000000-0000-4000-8000-00000000000b", directoryID: "aad00000-0000-4000-8000-00000000000b", name: "Aoife O'Rourke" },
  director: { id: "50000000-0000-4000-8000-000000000001", directoryID: "aad00000-0000-4000-8000-000000000001" },
  organization: "0e000000-0000-4000-8000-000000000001",
  businessUnit: "bb000000-0000-4000-8000-000000000001",
  team: "7ea00000-0000-4000-8000-000000000002",
};

export const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A text that no other test of the run has in its records. */
export const unique = (what = "test") => `${what} ${randomBytes(6).toString("hex")}`;

const tenant = "11111111-1111-4111-8111-111111111111";

/**
 * The tenant's application as Microsoft's own library sees it. MSAL talks to https only, so its network client stands for
 * the TLS terminator that would be in front of the server: what goes in loses the s, what comes out gets it.
 */
export function application(auth = { clientSecret: "any" }, clientId = seed.application) {
  const secure = origin.replace(/^http:/, "https:");
  const send = (method) => async (url, options) => {
    const answer = await fetch(url.replace(secure, origin), { method, headers: options?.headers, body: options?.body });
    const text = await answer.text();
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: JSON.parse(text.replaceAll(origin, secure)) };
  };
  return new ConfidentialClientApplication({
    auth: { clientId, authority: `${secure}/${tenant}`, knownAuthorities: [new URL(origin).host], ...auth },
    system: { networkClient: { sendGetRequestAsync: send("GET"), sendPostRequestAsync: send("POST") } },
  });
}

const signedIn = application();

/** An access token of the seed's application, from the token endpoint; MSAL keeps it. */
export async function token() {
  const { accessToken } = await signedIn.acquireTokenByClientCredential({ scopes: [`${origin}/.default`] });
  return accessToken;
}

/** A DynamicsWebApi client, with a token where one is required. */
export function client(config = {}) {
  const signIn = tokensRequired ? { onTokenRefresh: token } : {};
  return new DynamicsWebApi({ serverUrl: origin, ...signIn, ...config });
}

/** Awaits a refusal with a status and a code (any case), and returns the error. */
export async function refused(promise, status, code) {
  let error;
  try {
    const value = await promise;
    assert.fail(`answered ${JSON.stringify(value)}, want ${status} ${code}`);
  } catch (e) {
    if (e instanceof assert.AssertionError) throw e;
    error = Array.isArray(e) ? e[0] : e;
  }
  const got = error.error ?? error; // the error of a batch's part is one level down
  assert.deepEqual(
    { status: error.status, code: got.code?.toLowerCase() }, { status, code: code.toLowerCase() }, `refused with: ${got.message}`,
  );
  return got;
}
