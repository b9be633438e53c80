// Duplicate detection, by the seed's rules and by rules that a client makes.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, suite, test } from "node:test";

import { client, refused, unique } from "../support/server.js";

const api = client({ propagateErrors: true });
const address = () => `${randomUUID()}@example.com`;

/** The contacts or leads that the published rules call duplicates of what is given. */
async function duplicates(entity, values, matching = entity) {
  const got = await api.callFunction({
    name: "RetrieveDuplicates",
    parameters: {
      BusinessEntity: { "@odata.type": `Microsoft.Dynamics.CRM.${entity}`, ...values },
      MatchingEntityName: matching,
      PagingInfo: { PageNumber: 1, Count: 50 },
    },
  });
  return got.value;
}

suite("the seed's rule for e-mail addresses", () => {
  test("keeps a second contact out only where detection is asked for", async () => {
    const contact = { collection: "contacts", data: { lastname: unique(), emailaddress1: address() } };
    const first = await api.create({ ...contact, duplicateDetection: true });
    const error = await refused(api.create({ ...contact, duplicateDetection: true }), 412, "0x80040333");
    assert.equal(error.message, "A record was not created or updated because a duplicate of the current record already exists.");
    const second = await api.create(contact);
    const found = await duplicates("contact", { emailaddress1: contact.data.emailaddress1.toUpperCase() });
    assert.deepEqual(found.map((c) => c.contactid).sort(), [first, second].sort());
    assert.ok("fullname" in found[0], "whole rows");
  });

  test("is asked for on an update and on an upsert too", async () => {
    const [one, other] = [address(), address()];
    await api.create({ collection: "contacts", data: { lastname: unique(), emailaddress1: one } });
    const id = await api.create({ collection: "contacts", data: { lastname: unique(), emailaddress1: other } });
    await refused(api.update({ collection: "contacts", key: id, data: { emailaddress1: one }, duplicateDetection: true }), 412, "0x80040333");
    assert.equal((await api.retrieve({ collection: "contacts", key: id, select: ["emailaddress1"] })).emailaddress1, other);
    await refused(api.upsert({ collection: "contacts", key: randomUUID(), data: { lastname: unique(), emailaddress1: one }, duplicateDetection: true }), 412, "0x80040333");
    await api.update({ collection: "contacts", key: id, data: { emailaddress1: one } });
  });

  test("is asked for part by part in a batch", async () => {
    const name = unique(), emailaddress1 = address();
    const b = client();
    b.startBatch();
    b.create({ collection: "contacts", data: { lastname: name, emailaddress1 } });
    b.create({ collection: "contacts", data: { lastname: name, emailaddress1 }, duplicateDetection: true });
    await refused(b.executeBatch(), 412, "0x80040333");
    assert.equal(await api.count({ collection: "contacts", filter: `lastname eq '${name}'` }), 0, "the change set is rolled back");
  });

  test("finds nothing where nothing matches", async () => {
    assert.deepEqual(await duplicates("contact", { emailaddress1: address() }), []);
  });
});

suite("a rule of one's own", () => {
  const prefix = randomUUID().slice(0, 8);
  let rule;

  before(async () => {
    rule = await api.create({
      collection: "duplicaterules",
      data: {
        name: unique("Leads whose company begins as an account's name"), baseentityname: "lead", matchingentityname: "account",
        DuplicateRule_DuplicateRuleConditions: [
          { baseattributename: "companyname", matchingattributename: "name", operatorcode: 1, operatorparam: 8, ignoreblankvalues: true },
        ],
      },
    });
    await api.create({ collection: "accounts", data: { name: `${prefix} Trading` } });
  });
  after(() => api.callAction({ actionName: "UnpublishDuplicateRule", action: { DuplicateRuleId: rule } }));

  test("counts from when it is published, across entities", async () => {
    const lead = { collection: "leads", data: { lastname: unique(), companyname: `${prefix.toUpperCase()} Holding` }, duplicateDetection: true };
    await api.create(lead);
    const job = await api.callAction({ collection: "duplicaterules", key: rule, actionName: "Microsoft.Dynamics.CRM.PublishDuplicateRule" });
    assert.ok(job.asyncoperationid);
    for (let tries = 0; ; tries++) {
      const state = await api.retrieve({ collection: "asyncoperations", key: job.asyncoperationid, select: ["statecode", "statuscode"] });
      if (state.statecode === 3) {
        assert.equal(state.statuscode, 30);
        break;
      }
      assert.ok(tries < 100, "the job does not end");
    }
    const published = await api.retrieve({ collection: "duplicaterules", key: rule, select: ["statuscode"], expand: [{ property: "DuplicateRule_DuplicateRuleConditions", select: ["operatorparam"] }] });
    assert.equal(published.statuscode, 2);
    assert.equal(published.DuplicateRule_DuplicateRuleConditions[0].operatorparam, 8);
    await refused(api.create(lead), 412, "0x80040333");
    assert.deepEqual((await duplicates("lead", { companyname: `${prefix}!` }, "account")).map((a) => a.name), [`${prefix} Trading`]);
    await api.callAction({ actionName: "UnpublishDuplicateRule", action: { DuplicateRuleId: rule } });
    await api.create(lead);
  });
});
