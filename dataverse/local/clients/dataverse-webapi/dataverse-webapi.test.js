// The library dataverse-webapi, as web pages use it. It asks for all annotations always, sends IDs in upper case, and
// line ends in batches that are not quite those of other libraries.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { suite, test } from "node:test";

import webApi from "dataverse-webapi";
import xhr from "xmlhttprequest-ssl";

import { guid, root, seed, token, tokensRequired, unique } from "../support/server.js";

// What a browser would have. The library's variant for Node.js talks to port 443 only.
globalThis.XMLHttpRequest = xhr.XMLHttpRequest ?? xhr;

const accessToken = tokensRequired ? await token() : undefined;
const config = () => ({ version: "9.2", url: root.replace(/\/$/, ""), accessToken });
const refusal = (promise) => promise.then((value) => assert.fail(`answered ${JSON.stringify(value)}`), (error) => error);

suite("records", () => {
  test("create, retrieve, update, delete", async () => {
    const name = unique("Über & Söhne");
    const id = await webApi.create(config(), "accounts", { name, industrycode: 1 });
    assert.match(id, guid);
    const got = await webApi.retrieve(config(), "accounts", id, "$select=name,industrycode");
    assert.equal(got.name, name);
    assert.equal(got["industrycode@OData.Community.Display.V1.FormattedValue"], "Accounting");
    await webApi.update(config(), "accounts", id, { fax: "1" });
    const shown = await webApi.updateWithReturnData(config(), "accounts", id, { fax: "2" }, "$select=fax");
    assert.equal(shown.fax, "2");
    await webApi.updateProperty(config(), "accounts", id, "fax", "3");
    await webApi.deleteProperty(config(), "accounts", id, "fax");
    assert.equal((await webApi.retrieve(config(), "accounts", id, "$select=fax")).fax, null);
    await webApi.deleteRecord(config(), "accounts", id);
    assert.equal((await refusal(webApi.retrieve(config(), "accounts", id))).code.toLowerCase(), "0x80040217");
  });

  test("create with what is answered", async () => {
    const name = unique();
    const got = await webApi.createWithReturnData(
      config(), "contacts", { firstname: "Ida", lastname: name, parentcustomerid_account: { name } }, "$select=fullname&$expand=parentcustomerid_account($select=name)",
    );
    assert.equal(got.fullname, `Ida ${name}`);
    assert.equal(got.parentcustomerid_account.name, name);
  });

  test("by an alternate key", async () => {
    const got = await webApi.retrieveAlternateKey(config(), "systemusers", `azureactivedirectoryobjectid=${seed.agent.directoryID}`, "$select=fullname");
    assert.equal(got.fullname, seed.agent.name);
  });

  test("for another user", async () => {
    const id = await webApi.create(config(), "accounts", { name: unique() }, { impersonateUserId: seed.agent.directoryID });
    assert.equal((await webApi.retrieve(config(), "accounts", id, "$select=_createdby_value"))._createdby_value, seed.agent.id);
  });
});

suite("collections", () => {
  test("pages, FetchXML, links", async () => {
    const name = unique("Pages");
    const ids = [];
    for (let n = 1; n <= 5; n++) ids.push(await webApi.create(config(), "accounts", { name: `${name} ${n}` }));
    const seen = [];
    let page = await webApi.retrieveMultiple(config(), "accounts", `$select=name&$filter=startswith(name,'${name}')&$orderby=name`, { maxPageSize: 2 });
    for (;;) {
      seen.push(...page.value.map((a) => a.name.at(-1)));
      if (!page["@odata.nextLink"]) break;
      const next = new URL(page["@odata.nextLink"]);
      // The library encodes the address of its next page once more, so it is given the link decoded.
      page = await webApi.retrieveMultiple(config(), "accounts", decodeURIComponent(next.search), { maxPageSize: 2 });
    }
    assert.deepEqual(seen, ["1", "2", "3", "4", "5"]);

    const fetchXml = `<fetch><entity name="account"><attribute name="name"/><filter><condition attribute="name" operator="like" value="${name}%"/></filter></entity></fetch>`;
    const fetched = await webApi.retrieveMultiple(config(), "accounts", `fetchXml=${fetchXml}`);
    assert.equal(fetched.value.length, 5);

    const contact = await webApi.create(config(), "contacts", { lastname: name });
    await webApi.associate(config(), "accounts", ids[0], "contact_customer_accounts", "contacts", contact);
    const linked = () => webApi.retrieve(config(), "accounts", ids[0], "$select=name&$expand=contact_customer_accounts($select=lastname)");
    assert.deepEqual((await linked()).contact_customer_accounts.map((c) => c.lastname), [name]);
    await webApi.disassociate(config(), "accounts", ids[0], "contact_customer_accounts", contact);
    assert.deepEqual((await linked()).contact_customer_accounts, []);
  });
});

suite("functions and actions", () => {
  test("without parameters, with aliases, on a record", async () => {
    assert.match((await webApi.unboundFunction(config(), "WhoAmI")).UserId, guid);
    const duplicates = await webApi.unboundFunction(config(), "RetrieveDuplicates", [
      { name: "BusinessEntity", alias: "p1", value: "{'@odata.type':'Microsoft.Dynamics.CRM.contact','emailaddress1':'nobody@example.com'}" },
      { name: "MatchingEntityName", alias: "p2", value: "'contact'" },
      { name: "PagingInfo", alias: "p3", value: "{'PageNumber':1,'Count':50}" },
    ]);
    assert.deepEqual(duplicates.value, []);
    const rule = await webApi.create(config(), "duplicaterules", {
      name: unique(), baseentityname: "account", matchingentityname: "account",
      DuplicateRule_DuplicateRuleConditions: [{ baseattributename: "fax", matchingattributename: "fax", operatorcode: 0 }],
    });
    const job = await webApi.boundAction(config(), "duplicaterules", rule, "PublishDuplicateRule");
    assert.match(job.asyncoperationid, guid);
    assert.equal(await webApi.unboundAction(config(), "UnpublishDuplicateRule", { DuplicateRuleId: rule }), null);
  });
});

suite("batch", () => {
  test("a change set and reads", async () => {
    const name = unique("Batch");
    const [account, contact, read] = await webApi.batchOperation(config(), randomUUID(), randomUUID(), [
      { method: "POST", queryString: "accounts", entity: { name } },
      { method: "POST", queryString: "contacts", entity: { lastname: name, "parentcustomerid_account@odata.bind": "$1" } },
    ], [`contacts?$select=lastname&$filter=lastname eq '${name}'&$expand=parentcustomerid_account($select=name)`]);
    assert.deepEqual([account.httpStatus, contact.httpStatus, read.httpStatus], [204, 204, 200]);
    assert.deepEqual([account.contentId, contact.contentId], ["1", "2"]);
    assert.match(account.entityId, guid);
    assert.ok(account.location.startsWith(`${root}accounts(`));
    assert.equal(read.data.value[0].parentcustomerid_account.name, name);
  });

  test("a change set that fails", async () => {
    const name = unique("Fails");
    const error = await refusal(webApi.batchOperation(config(), randomUUID(), randomUUID(), [
      { method: "POST", queryString: "accounts", entity: { name } },
      { method: "POST", queryString: "accounts", entity: { name, industrycode: 987654 } },
    ], []));
    assert.equal(error.code.toLowerCase(), "0x8004431a");
    const left = await webApi.retrieveMultiple(config(), "accounts", `$select=name&$filter=name eq '${name}'`);
    assert.deepEqual(left.value, []);
  });
});
