// $batch: change sets, references, many records, errors.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { suite, test } from "node:test";

import { client, guid, refused, unique } from "../support/server.js";

/** Runs what is said between the start and the end of a batch, and returns the answers. */
async function batch(say, options) {
  const api = client();
  api.startBatch();
  say(api);
  return api.executeBatch(options);
}

const api = client();
const countOf = (name) => api.count({ collection: "accounts", filter: `startswith(name,'${name}')` });

suite("change set", () => {
  test("creates records that refer to each other", async () => {
    const name = unique("Batch");
    const [account, contact, task] = await batch((b) => {
      b.create({ collection: "accounts", data: { name }, contentId: "1" });
      b.create({ collection: "contacts", data: { lastname: name, "parentcustomerid_account@odata.bind": "$1" }, contentId: "2" });
      b.create({ collection: "tasks", data: { subject: name, "regardingobjectid_contact_task@odata.bind": "$2" } });
      b.update({ contentId: "$1", data: { fax: "by reference" } });
      b.associateSingleValued({ contentId: "$1", navigationProperty: "primarycontactid", relatedKey: "$2" });
    });
    for (const id of [account, contact, task]) assert.match(id, guid);
    const got = await api.retrieve({ collection: "accounts", key: account, select: ["fax", "_primarycontactid_value"], expand: [{ property: "contact_customer_accounts", select: ["lastname"] }] });
    assert.equal(got.fax, "by reference");
    assert.equal(got._primarycontactid_value, contact);
    assert.deepEqual(got.contact_customer_accounts.map((c) => c.lastname), [name]);
    assert.equal((await api.retrieve({ collection: "tasks", key: task, select: ["_regardingobjectid_value"] }))._regardingobjectid_value, contact);
  });

  test("does all or nothing", async () => {
    const name = unique("Nothing");
    const errors = batch((b) => {
      b.create({ collection: "accounts", data: { name: `${name} 1` } });
      b.create({ collection: "accounts", data: { name: `${name} 2`, industrycode: 987654 } });
      b.create({ collection: "accounts", data: { name: `${name} 3` } });
    });
    await refused(errors, 400, "0x8004431A");
    assert.equal(await countOf(name), 0);
  });

  test("creates, updates and deletes many", async () => {
    const name = unique("Many");
    const ids = await batch((b) => {
      for (let n = 0; n < 200; n++) b.create({ collection: "accounts", data: { name: `${name} ${n}` } });
    });
    assert.equal(new Set(ids).size, 200);
    const updated = await batch((b) => ids.forEach((key) => b.update({ collection: "accounts", key, data: { fax: name } })));
    assert.deepEqual(new Set(updated), new Set([true]));
    assert.equal(await api.count({ collection: "accounts", filter: `fax eq '${name}'` }), 200);
    await batch((b) => ids.forEach((key) => b.deleteRecord({ collection: "accounts", key })));
    assert.equal(await countOf(name), 0);
  });

  test("answers with the record where it is wanted", async () => {
    const name = unique("Shown");
    const [got] = await batch((b) => b.create({ collection: "accounts", data: { name, description: "é ü 日本" }, returnRepresentation: true, select: ["name", "description"] }));
    assert.deepEqual([got.name, got.description], [name, "é ü 日本"]);
  });

  test("associates and disassociates", async () => {
    const [account, lead] = await batch((b) => {
      b.create({ collection: "accounts", data: { name: unique() }, contentId: "a" });
      b.create({ collection: "leads", data: { lastname: unique() }, contentId: "l" });
      b.associate({ contentId: "$a", relationshipName: "accountleads_association", relatedKey: "$l" });
    });
    const leads = async () => (await api.retrieve({ collection: "accounts", key: account, navigationProperty: "accountleads_association", select: ["leadid"] })).value.map((l) => l.leadid);
    assert.deepEqual(await leads(), [lead]);
    await batch((b) => b.disassociate({ collection: "accounts", primaryKey: account, relationshipName: "accountleads_association", relatedKey: lead }));
    assert.deepEqual(await leads(), []);
  });

  test("refuses more than a thousand requests", async () => {
    const name = unique("Thousand");
    const error = await batch((b) => {
      for (let n = 0; n <= 1000; n++) b.create({ collection: "accounts", data: { name } });
    }).then(() => assert.fail("was answered"), (e) => e);
    assert.equal(error.status, 400); // the code is not documented
    assert.equal(await countOf(name), 0);
  });
});

suite("without a change set", () => {
  test("reads records, collections, counts and functions", async () => {
    const name = unique("Read");
    const id = await api.create({ collection: "accounts", data: { name } });
    const [record, collection, count, filtered, who, fetched] = await batch((b) => {
      b.retrieve({ collection: "accounts", key: id, select: ["name"], includeAnnotations: "*" });
      b.retrieveMultiple({ collection: "accounts", filter: `name eq '${name}'`, select: ["name"] });
      b.count({ collection: "accounts" });
      b.count({ collection: "accounts", filter: `name eq '${name}'` });
      b.callFunction("WhoAmI");
      b.fetch({ collection: "accounts", fetchXml: `<fetch><entity name="account"><attribute name="name"/><filter><condition attribute="name" operator="eq" value="${name}"/></filter></entity></fetch>` });
    });
    assert.equal(record.name, name);
    assert.equal(collection.value[0].accountid, id);
    assert.equal(typeof count, "number");
    assert.ok(count >= 1);
    assert.equal(filtered, 1);
    assert.match(who.UserId, guid);
    assert.equal(fetched.value[0].name, name);
  });

  test("keeps what was done before an error, and stops there", async () => {
    const name = unique("Before");
    await assert.rejects(batch((b) => {
      b.create({ collection: "accounts", data: { name: `${name} 1` }, inChangeSet: false });
      b.create({ collection: "nothings", data: { name: `${name} 2` }, inChangeSet: false });
      b.create({ collection: "accounts", data: { name: `${name} 3` }, inChangeSet: false });
    }), (parts) => {
      assert.equal(parts.length, 2);
      assert.match(parts[0], guid);
      assert.deepEqual([parts[1].status, parts[1].error.code], [404, "0x8006088a"]);
      return true;
    });
    assert.equal(await countOf(name), 1);
  });

  test("goes on after an error where that is preferred", async () => {
    const name = unique("After");
    const parts = await batch((b) => {
      b.create({ collection: "accounts", data: { name: `${name} 1` } });
      b.retrieve({ collection: "accounts", key: randomUUID() });
      b.create({ collection: "accounts", data: { name: `${name} 2`, industrycode: 987654 } });
      b.retrieveMultiple({ collection: "accounts", filter: `startswith(name,'${name}')`, select: ["name"] });
      b.create({ collection: "accounts", data: { name: `${name} 3` } });
    }, { continueOnError: true });
    assert.match(parts[0], guid);
    assert.deepEqual([parts[1].status, parts[1].error.code.toLowerCase()], [404, "0x80040217"]);
    assert.deepEqual([parts[2].status, parts[2].error.code.toLowerCase()], [400, "0x8004431a"]);
    assert.deepEqual(parts[3].value.map((a) => a.name), [`${name} 1`]);
    assert.match(parts[4], guid);
    assert.equal(await countOf(name), 2);
  });

  test("minds each part's own headers", async () => {
    const made = await api.create({ collection: "accounts", data: { name: unique() }, returnRepresentation: true, select: ["name"] });
    await api.update({ collection: "accounts", key: made.accountid, data: { fax: "1" } });
    const [stale, missing] = await batch((b) => {
      b.update({ collection: "accounts", key: made.accountid, data: { fax: "2" }, ifmatch: made["@odata.etag"] });
      b.retrieve({ collection: "accounts", key: made.accountid, select: ["fax"] });
    }, { continueOnError: true });
    assert.deepEqual([stale.status, stale.error.code.toLowerCase()], [412, "0x80060882"]);
    assert.equal(missing.fax, "1");
  });

  test("refuses a reference to what is not there", () => refused(
    batch((b) => b.create({ collection: "contacts", data: { lastname: unique(), "parentcustomerid_account@odata.bind": "$7" } })), 400, "0x80048d19",
  ));
});
