// Queries as odata-query builds them: parentheses around everything, lambdas with names of its own, options in its own order.
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";

import odataQuery from "odata-query";

import { client, root, token, tokensRequired, unique } from "../support/server.js";

const buildQuery = odataQuery.default ?? odataQuery;
const api = client();
const mark = unique("Built");
let ids;

before(async () => {
  await Promise.all([1, 2, 3, 4].map((n) => api.create({
    collection: "contacts",
    data: {
      firstname: `O'${n}`, lastname: "& Co", department: mark, annualincome: n * 10, gendercode: 1 + (n % 2),
      parentcustomerid_account: { name: `${mark} ${n}` }, Contact_Tasks: [{ subject: `task ${n}` }, { subject: "another" }],
    },
  })));
  ids = (await api.retrieveMultiple({ collection: "contacts", select: ["contactid"], filter: `department eq '${mark}'`, orderBy: ["firstname"] })).value.map((c) => c.contactid);
});

/** What a query is answered with. The library encodes values; fetch does the rest. */
async function run(set, query) {
  const answer = await fetch(root + set + buildQuery(query), {
    headers: { Accept: "application/json", ...(tokensRequired && { Authorization: `Bearer ${await token()}` }) },
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text);
}
const names = async (filter, more) => (await run("contacts", {
  select: ["firstname"], filter: { and: [{ department: mark }, filter] }, orderBy: "firstname", ...more,
})).value.map((c) => c.firstname.at(-1)).join("");

const guid = (value) => ({ type: "guid", value });

suite("filters", () => {
  const cases = {
    "equal": [{ firstname: "O'2" }, "2"],
    "a sign of the URL": [{ lastname: "& Co" }, "1234"],
    "ranges": [{ annualincome: { gt: 10, le: 30 } }, "23"],
    "or": [{ or: [{ firstname: { endswith: "1" } }, { annualincome: { ge: 40 } }] }, "14"],
    "not": [{ not: { annualincome: { lt: 30 } } }, "34"],
    "null": [{ fax: null, annualincome: { ne: null } }, "1234"],
    "functions": [{ firstname: { startswith: "o'", contains: "3" } }, "3"],
    "through a lookup": [{ parentcustomerid_account: { name: { endswith: "4" } } }, "4"],
    "dates": [{ createdon: { gt: new Date("2020-01-01T00:00:00.123Z") } }, "1234"],
    "lambdas": [{ Contact_Tasks: { any: { subject: { contains: "task 2" } } } }, "2"],
    "lambdas of all": [{ not: { Contact_Tasks: { all: { subject: { ne: "task 3" } } } } }, "3"],
    "lambdas with several terms": [{ Contact_Tasks: { any: [{ subject: "another" }, { statecode: 0 }] } }, "1234"],
  };
  for (const [what, [filter, want]] of Object.entries(cases)) {
    test(what, async () => assert.equal(await names(filter), want, buildQuery({ filter })));
  }

  test("GUIDs", async () => assert.equal(await names({ contactid: guid(ids[1]) }), "2"));
});

suite("shapes", () => {
  test("one record by its key", async () => {
    const got = await run("contacts", { key: guid(ids[0]), select: "firstname" });
    assert.equal(got.firstname, "O'1");
  });

  test("top, count and order", async () => {
    const got = await run("contacts", { select: ["firstname"], filter: { department: mark }, orderBy: ["gendercode desc", "firstname"], top: 3, count: true });
    assert.equal(got["@odata.count"], 4);
    assert.equal(got.value.map((c) => c.firstname.at(-1)).join(""), "132");
  });

  test("expands with options of all kinds", async () => {
    const got = await run("contacts", {
      select: "firstname", filter: { department: mark }, orderBy: "firstname",
      expand: { parentcustomerid_account: { select: ["name"] }, Contact_Tasks: { top: 1, orderBy: "subject desc", filter: { statecode: 0 }, select: ["subject"] } },
    });
    assert.deepEqual(got.value.map((c) => [c.parentcustomerid_account.name, c.Contact_Tasks.map((t) => t.subject)]), [1, 2, 3, 4].map((n) => [`${mark} ${n}`, [`task ${n}`]]));
  });

  test("groups", async () => {
    const got = await run("contacts", {
      transform: [{ filter: { department: mark } }, { groupBy: { properties: ["gendercode"], transform: [{ aggregate: [{ annualincome: { with: "sum", as: "total" } }] }] } }],
    });
    assert.deepEqual(got.value.map((r) => [r.gendercode, Number(r.total)]).sort(), [[1, 60], [2, 40]]);
  });
});
