// What the server refuses, with the status and the code that clients branch on.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { suite, test } from "node:test";

import { client, refused, seed, unique } from "../support/server.js";

const api = client({ propagateErrors: true });
const account = (data) => api.create({ collection: "accounts", data: { name: unique(), ...data } });

suite("a create", () => {
  const cases = [
    ["of a property that does not exist", { nme: "x" }, 400, "0x80048d19"],
    ["of a text that is too long", { name: "x".repeat(161) }, 400, "0x80044331"],
    ["of an option that does not exist", { industrycode: 987654 }, 400, "0x8004431a"],
    ["of a number out of range", { numberofemployees: -1 }, 400, "0x8004432f"],
    ["of an amount out of range", { revenue: 1e15 }, 400, "0x80040317"],
    ["of a text that is no number", { numberofemployees: "many" }, 400, "0x80048d19"],
    ["of a yes or no that is a number", { creditonhold: 1 }, 400, "0x0"],
    ["with a lookup to nothing", { "primarycontactid@odata.bind": `contacts(${randomUUID()})` }, 404, "0x80040217"],
    ["with a lookup by its field's read name", { "_primarycontactid_value@odata.bind": `contacts(${randomUUID()})` }, 400, "0x80048d19"],
  ];
  for (const [what, data, status, code] of cases) {
    test(what, () => refused(account(data), status, code));
  }

  test("with a lookup to a record of another entity", async () => {
    const error = await account({ "primarycontactid@odata.bind": `accounts(${await account({})})` }).then(() => assert.fail("was answered"), (e) => e);
    assert.equal(error.status, 400); // the code is not documented
  });

  test("in an entity set that does not exist", async () => {
    const error = await refused(api.create({ collection: "account", data: { name: unique() } }), 404, "0x8006088a");
    assert.match(error.message, /Resource not found for the segment 'account'/);
  });

  test("without what the system requires", () => refused(api.create({ collection: "incidents", data: { title: unique() } }), 400, "0x80040200"));
});

suite("an update", () => {
  test("of a status of another state", async () => {
    const key = await account({});
    await refused(api.update({ collection: "accounts", key, data: { statuscode: 2 } }), 400, "0x80048408");
  });

  test("that closes a case without the action for it", async () => {
    const key = await api.create({ collection: "incidents", data: { title: unique(), "customerid_account@odata.bind": `accounts(${await account({})})` } });
    await refused(api.update({ collection: "incidents", key, data: { statecode: 1, statuscode: 5 } }), 400, "0x80048408");
  });

  test("by a key that is not one", () => refused(api.update({ collection: "accounts", key: "name='x'", data: { fax: "1" } }), 400, "0x80060890"));

  test("by a key that finds nothing", () => refused(
    api.update({ collection: "systemusers", key: `azureactivedirectoryobjectid=${randomUUID()}`, data: { title: "x" } }), 404, "0x80060891",
  ));
});

suite("an error", () => {
  test("tells more where annotations are wanted", async () => {
    const error = await refused(api.retrieve({ collection: "accounts", key: randomUUID(), includeAnnotations: "*" }), 404, "0x80040217");
    assert.ok(Object.keys(error).some((name) => name.startsWith("@Microsoft.PowerApps.CDS.")), `has ${Object.keys(error)}`);
  });

  test("keeps its headers", async () => {
    const error = await refused(api.retrieve({ collection: "accounts", key: randomUUID() }), 404, "0x80040217");
    assert.match(error.headers["x-ms-service-request-id"], /^[0-9a-f-]{36}$/);
    assert.equal(error.headers["odata-version"], "4.0");
  });

  test("of a method that the target does not know", async () => {
    await refused(api.deleteRecord({ collection: "organizations", key: seed.organization }), 405, "0x80040315");
  });
});
