// Associate and disassociate: 1:N, N:N and single-valued.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, suite, test } from "node:test";

import { client, refused, seed, unique } from "../support/server.js";

const api = client();
const make = (collection, data) => api.create({ collection, data });
let account, contact;

before(async () => {
  account = await make("accounts", { name: unique() });
  contact = await make("contacts", { lastname: unique() });
});

suite("one to many", () => {
  const contacts = async () => (await api.retrieve({ collection: "accounts", key: account, navigationProperty: "contact_customer_accounts", select: ["contactid"] })).value.map((c) => c.contactid);

  test("adds and removes", async () => {
    await api.associate({ collection: "accounts", primaryKey: account, relationshipName: "contact_customer_accounts", relatedCollection: "contacts", relatedKey: contact });
    assert.deepEqual(await contacts(), [contact]);
    await api.disassociate({ collection: "accounts", primaryKey: account, relationshipName: "contact_customer_accounts", relatedKey: contact });
    assert.deepEqual(await contacts(), []);
  });

  test("knows what does not exist", async () => {
    await refused(api.associate({
      collection: "accounts", primaryKey: account, relationshipName: "contact_customer_accounts", relatedCollection: "contacts", relatedKey: randomUUID(),
    }), 404, "0x80040217");
    await refused(api.associate({
      collection: "accounts", primaryKey: account, relationshipName: "no_such_relationship", relatedCollection: "contacts", relatedKey: contact,
    }), 404, "0x8006088a");
  });
});

suite("many to many", () => {
  test("adds, reads from both sides and in FetchXML, removes", async () => {
    const lead = await make("leads", { subject: unique(), lastname: unique() });
    const link = { collection: "accounts", primaryKey: account, relationshipName: "accountleads_association", relatedKey: lead };
    await api.associate({ ...link, relatedCollection: "leads" });
    const there = await api.retrieve({ collection: "accounts", key: account, navigationProperty: "accountleads_association", select: ["lastname"] });
    assert.deepEqual(there.value.map((l) => l.leadid), [lead]);
    const back = await api.retrieve({ collection: "leads", key: lead, select: ["lastname"], expand: [{ property: "accountleads_association", select: ["name"] }] });
    assert.deepEqual(back.accountleads_association.map((a) => a.accountid), [account]);
    const fetched = await api.fetch({
      collection: "leads",
      fetchXml: `<fetch><entity name="lead"><attribute name="leadid"/><link-entity name="accountleads" from="leadid" to="leadid" intersect="true">
        <link-entity name="account" from="accountid" to="accountid" alias="a"><attribute name="name"/><filter><condition attribute="accountid" operator="eq" value="${account}"/></filter></link-entity>
        </link-entity></entity></fetch>`,
    });
    assert.deepEqual(fetched.value.map((l) => l.leadid), [lead]);
    await api.disassociate(link);
    const gone = await api.retrieve({ collection: "accounts", key: account, navigationProperty: "accountleads_association", select: ["lastname"] });
    assert.deepEqual(gone.value, []);
  });

  test("adds users to a team", async () => {
    const team = await make("teams", { name: unique(), "businessunitid@odata.bind": `businessunits(${seed.businessUnit})` });
    await api.associate({ collection: "teams", primaryKey: team, relationshipName: "teammembership_association", relatedCollection: "systemusers", relatedKey: seed.agent.id });
    const got = await api.retrieveMultiple({ collection: "systemusers", select: ["fullname"], filter: `teammembership_association/any(t:t/teamid eq ${team})` });
    assert.deepEqual(got.value.map((u) => u.fullname), [seed.agent.name]);
  });
});

suite("single-valued", () => {
  test("sets and clears", async () => {
    const primary = { collection: "accounts", primaryKey: account, navigationProperty: "primarycontactid" };
    await api.associateSingleValued({ ...primary, relatedCollection: "contacts", relatedKey: contact });
    const set = await api.retrieve({ collection: "accounts", key: account, select: ["_primarycontactid_value"] });
    assert.equal(set._primarycontactid_value, contact);
    await api.disassociateSingleValued(primary);
    const cleared = await api.retrieve({ collection: "accounts", key: account, select: ["_primarycontactid_value"] });
    assert.equal(cleared._primarycontactid_value, null);
  });

  test("replaces one target of a customer by another", async () => {
    const incident = await make("incidents", { title: unique(), "customerid_account@odata.bind": `accounts(${account})` });
    await api.associateSingleValued({ collection: "incidents", primaryKey: incident, navigationProperty: "customerid_contact", relatedCollection: "contacts", relatedKey: contact });
    const got = await api.retrieve({ collection: "incidents", key: incident, select: ["_customerid_value"], includeAnnotations: "*" });
    assert.deepEqual([got._customerid_value, got._customerid_value_LogicalName], [contact, "contact"]);
  });
});
