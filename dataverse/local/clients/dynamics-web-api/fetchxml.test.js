// FetchXML: pages by number and cookie, links, totals, aggregates, refusals.
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";

import { client, refused, unique } from "../support/server.js";

const api = client();
const mark = unique("Fetch");
const mine = `<filter><condition attribute="name" operator="like" value="${mark}%"/></filter>`;

before(async () => {
  for (let n = 1; n <= 7; n++) {
    await api.create({
      collection: "accounts",
      data: { name: `${mark} ${n}`, revenue: n * 100, industrycode: n % 2 ? 1 : 2, primarycontactid: { firstname: "Né", lastname: `${mark} <${n}>` } },
    });
  }
});

const accounts = (fetchXml, more = {}) => ({ collection: "accounts", fetchXml, ...more });
const names = (rows) => rows.map((r) => r.name.at(-1)).join("");

test("answers with the selected attributes", async () => {
  const got = await api.fetch(accounts(`<fetch><entity name="account"><attribute name="name"/><attribute name="fax"/>${mine}<order attribute="name"/></entity></fetch>`));
  assert.equal(names(got.value), "1234567");
  assert.deepEqual(Object.keys(got.value[0]).sort(), ["@odata.etag", "accountid", "name"], "what is null is left out");
});

test("takes top", async () => {
  const got = await api.fetch(accounts(`<fetch top="2"><entity name="account"><attribute name="name"/>${mine}<order attribute="revenue" descending="true"/></entity></fetch>`));
  assert.equal(names(got.value), "76");
});

test("goes from page to page by the cookie", async () => {
  const wanted = accounts(`<fetch count="3"><entity name="account"><attribute name="name"/>${mine}<order attribute="name"/></entity></fetch>`, { includeAnnotations: "*" });
  const first = await api.fetch(wanted);
  assert.equal(names(first.value), "123");
  assert.equal(first["@Microsoft.Dynamics.CRM.morerecords"], true);
  assert.equal(first.PagingInfo.nextPage, 2);
  const second = await api.fetch({ ...wanted, pageNumber: first.PagingInfo.nextPage, pagingCookie: first.PagingInfo.cookie });
  assert.equal(names(second.value), "456");
  assert.equal(second.PagingInfo.nextPage, 3);
  const third = await api.fetch({ ...wanted, pageNumber: second.PagingInfo.nextPage, pagingCookie: second.PagingInfo.cookie });
  assert.equal(names(third.value), "7");
  assert.equal(third.PagingInfo, undefined);
  assert.notEqual(third["@Microsoft.Dynamics.CRM.morerecords"], true);
});

test("goes to a page by its number alone", async () => {
  const got = await api.fetch(accounts(`<fetch count="2"><entity name="account"><attribute name="name"/>${mine}<order attribute="name"/></entity></fetch>`, { pageNumber: 3 }));
  assert.equal(names(got.value), "56");
});

test("reads all pages, whatever the order", async () => {
  for (const order of ["", '<order attribute="name" descending="true"/>', '<order attribute="industrycode"/><order attribute="revenue"/>', '<order attribute="primarycontactid"/>']) {
    const got = await api.fetchAll(accounts(
      `<fetch count="2"><entity name="account"><attribute name="name"/>${mine}${order}</entity></fetch>`, { includeAnnotations: "Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords" },
    ));
    assert.equal([...names(got.value)].sort().join(""), "1234567", `ordered by ${order || "nothing"}`);
  }
});

test("keeps cookies whole that hold any character", async () => {
  const got = await api.fetchAll({
    collection: "contacts", includeAnnotations: "*",
    fetchXml: `<fetch count="2"><entity name="contact"><attribute name="lastname"/>
      <filter><condition attribute="lastname" operator="begins-with" value="${mark}"/></filter><order attribute="lastname"/></entity></fetch>`,
  });
  assert.deepEqual(got.value.map((c) => c.lastname), [1, 2, 3, 4, 5, 6, 7].map((n) => `${mark} <${n}>`));
});

test("joins, with an alias and with names of one's own", async () => {
  const got = await api.fetch(accounts(
    `<fetch><entity name="account"><attribute name="name"/>${mine}
      <link-entity name="contact" from="contactid" to="primarycontactid" alias="c">
        <attribute name="fullname"/><attribute name="lastname" alias="surname"/>
        <filter><condition attribute="lastname" operator="ends-with" value="&lt;3&gt;"/></filter>
      </link-entity></entity></fetch>`, { includeAnnotations: "*" },
  ));
  assert.equal(got.value.length, 1);
  assert.equal(got.value[0]["c.fullname"], `Né ${mark} <3>`);
  assert.equal(got.value[0].surname, `${mark} <3>`);
});

test("counts what a query finds", async () => {
  const got = await api.fetch(accounts(`<fetch returntotalrecordcount="true" count="2"><entity name="account"><attribute name="name"/>${mine}</entity></fetch>`, { includeAnnotations: "*" }));
  assert.equal(got["@Microsoft.Dynamics.CRM.totalrecordcount"], 7);
  assert.equal(got["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"], false);
});

test("aggregates", async () => {
  const got = await api.fetch(accounts(
    `<fetch aggregate="true"><entity name="account"><attribute name="industrycode" groupby="true" alias="industry"/>
      <attribute name="revenue" aggregate="sum" alias="total"/><attribute name="accountid" aggregate="count" alias="n"/>${mine}
      <order alias="industry"/></entity></fetch>`, { includeAnnotations: "*" },
  ));
  assert.deepEqual(got.value.map((r) => [r.industry, r.total, r.n]), [[1, 1600, 4], [2, 1200, 3]]);
  assert.equal(got.value[0].industry_Formatted, "Accounting");
});

test("is sent in a batch where it is too long for an address", async () => {
  const values = Array.from({ length: 300 }, (_, n) => `<value>${mark} ${n}</value>`).join("");
  const got = await api.fetch(accounts(
    `<fetch><entity name="account"><attribute name="name"/><filter><condition attribute="name" operator="in">${values}</condition></filter></entity></fetch>`,
  ));
  assert.equal(got.value.length, 7);
});

suite("refusals", () => {
  const cases = [
    ["text that is no XML", "<fetch><entity name='account'>", "0x80040201"],
    ["an unknown entity", "<fetch><entity name='account'><link-entity name='contakt' from='contactid' to='primarycontactid'/></entity></fetch>", "0x80041102"],
    ["an unknown attribute", "<fetch><entity name='account'><attribute name='nme'/></entity></fetch>", "0x80041103"],
    ["another entity than the address's", "<fetch><entity name='contact'/></fetch>", "0x80041128"],
    ["an unknown operator", "<fetch><entity name='account'><filter><condition attribute='name' operator='resembles' value='x'/></filter></entity></fetch>", "0x80041120"],
  ];
  for (const [what, fetchXml, code] of cases) {
    test(what, () => refused(api.fetch(accounts(fetchXml)), 400, code));
  }
});
