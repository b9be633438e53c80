// Collections: filters, orders, expands, counts, pages.
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";

import { client, refused, seed, unique } from "../support/server.js";

const api = client();
const mark = unique("Query");

// Seven contacts at two accounts; the last one has no account.
const contacts = [
  { firstname: "Ana", lastname: "O'Brian & Söhne", annualincome: 1000, numberofchildren: 0, gendercode: 2, birthdate: "1990-01-01" },
  { firstname: "bea", lastname: "100% + 1", annualincome: 2000, numberofchildren: 1, gendercode: 2, birthdate: "1990-06-15" },
  { firstname: "Cai", lastname: "a/b?c=d#e", annualincome: 3000, numberofchildren: 2, gendercode: 1, donotemail: true },
  { firstname: "Dov", lastname: "日本 😀", annualincome: 4000, numberofchildren: 3, gendercode: 1 },
  { firstname: "Eva", lastname: 'said "no"', annualincome: 5000, gendercode: 2 },
  { firstname: "Fay", lastname: "Under_score", annualincome: 6000 },
  { firstname: "Gil", lastname: "Last" },
];
let accounts, ids;

before(async () => {
  accounts = await Promise.all([1, 2].map((n) => api.create({ collection: "accounts", data: { name: `${mark} ${n}`, accountnumber: `${n}` } })));
  ids = await Promise.all(contacts.map((contact, i) => {
    const at = i < 6 ? { "parentcustomerid_account@odata.bind": `/accounts(${accounts[i % 2]})` } : {};
    return api.create({ collection: "contacts", data: { ...contact, ...at, department: mark } });
  }));
  await api.create({ collection: "tasks", data: { subject: `${mark} urgent`, "regardingobjectid_contact_task@odata.bind": `/contacts(${ids[0]})` } });
  await api.create({ collection: "tasks", data: { subject: `${mark} later`, "regardingobjectid_contact_task@odata.bind": `/contacts(${ids[1]})` } });
});

/** The first names that a filter finds, in the order of creation. */
async function found(filter, more = {}) {
  const got = await api.retrieveMultiple({
    collection: "contacts", select: ["firstname"], filter: `department eq '${mark}' and (${filter})`, orderBy: ["firstname"], ...more,
  });
  return got.value.map((c) => c.firstname).join(" ");
}

suite("filter", () => {
  const cases = [
    ["firstname eq 'ANA'", "Ana", "case does not count"],
    ["lastname eq 'O''Brian & Söhne'", "Ana", "quotes are doubled"],
    ["lastname eq '100% + 1'", "bea", "percent and plus"],
    ["lastname eq 'a/b?c=d#e'", "Cai", "the URL's own signs"],
    ["lastname eq '日本 😀'", "Dov", "any script"],
    ["lastname eq 'said \"no\"'", "Eva", "double quotes"],
    ["contains(lastname,'söhn')", "Ana"],
    ["startswith(firstname,'b') or endswith(firstname,'y')", "bea Fay"],
    ["contains(lastname,'[_]')", "Fay", "wildcards in brackets are themselves"],
    ["contains(lastname,'1%1')", "bea", "a percent sign stands for anything"],
    ["annualincome gt 4000", "Eva Fay"],
    ["annualincome ge 2000 and annualincome le 3000.00", "bea Cai"],
    ["not (annualincome lt 6000)", "Fay", "null is neither"],
    ["annualincome eq null", "Gil"],
    ["annualincome ne null and gendercode ne 2", "Cai Dov"],
    ["donotemail eq true", "Cai"],
    ["birthdate ge 1990-02-01", "bea"],
    ["createdon gt 2020-01-01T00:00:00Z and startswith(firstname,'a')", "Ana"],
    ["firstname ne lastname and startswith(firstname,'g')", "Gil", "field against field"],
    ["_parentcustomerid_value eq null", "Gil"],
    ["parentcustomerid_account/accountnumber eq '2'", "bea Dov Fay", "through a lookup"],
    ["statecode eq 0 and statuscode eq 1 and startswith(firstname,'c')", "Cai"],
    ["Contact_Tasks/any(t:contains(t/subject,'urgent'))", "Ana"],
    ["Contact_Tasks/any()", "Ana bea"],
    ["Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=['Ana','Gil'])", "Ana Gil"],
    ["Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=[\"Ana\",\"Gil\"])", "Ana Gil"],
    ["Microsoft.Dynamics.CRM.NotIn(PropertyName='firstname',PropertyValues=[\"Ana\",\"bea\",\"Cai\"])", "Dov Eva Fay Gil"],
    ["Microsoft.Dynamics.CRM.Between(PropertyName='annualincome',PropertyValues=[\"2000\",\"4000\"])", "bea Cai Dov"],
    ["Microsoft.Dynamics.CRM.Today(PropertyName='createdon') and firstname eq 'Eva'", "Eva"],
    ["Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=1) and firstname eq 'Eva'", "Eva"],
    ["Microsoft.Dynamics.CRM.OlderThanXYears(PropertyName='birthdate',PropertyValue=5)", "Ana bea"],
  ];
  for (const [filter, want, why] of cases) {
    test(why ? `${filter} (${why})` : filter, async () => assert.equal(await found(filter), want));
  }

  test("a GUID with or without braces", async () => {
    assert.equal(await found(`_parentcustomerid_value eq ${accounts[0]}`), "Ana Cai Eva");
    assert.equal(await found(`parentcustomerid_account/accountid eq {${accounts[0].toUpperCase()}}`), "Ana Cai Eva");
  });

  test("parameters by alias", async () => {
    assert.equal(await found("annualincome gt @income", { queryParams: ["@income=4500"] }), "Eva Fay");
  });

  test("what is too long for an address goes in a batch", async () => {
    const many = ids.map((id) => `contactid eq ${id}`).join(" or ");
    assert.equal(await found(`${many} or ${many} or ${many} or ${many} or ${many} or ${many} or ${many} or ${many}`), "Ana bea Cai Dov Eva Fay Gil");
  });

  test("refuses what it does not know", async () => {
    const error = await refused(found("fristname eq 'x'"), 400, "0x0");
    assert.match(error.message, /Could not find a property named 'fristname' on type 'Microsoft\.Dynamics\.CRM\.contact'/);
    await refused(found("length(firstname) eq 3"), 400, "0x80060888");
    await refused(found("firstname eq 'open"), 400, "0x80060888");
  });
});

suite("shape", () => {
  const all = { collection: "contacts", filter: `department eq '${mark}'` };

  test("orders by several fields, and through lookups", async () => {
    const names = async (...orderBy) => (await api.retrieveMultiple({ ...all, select: ["firstname"], orderBy })).value.map((c) => c.firstname).join(" ");
    assert.equal(await names("firstname desc"), "Gil Fay Eva Dov Cai bea Ana");
    assert.equal(await names("gendercode desc", "annualincome desc"), "Eva bea Ana Dov Cai Fay Gil");
    assert.equal(await names("_parentcustomerid_value desc", "firstname"), "bea Dov Fay Ana Cai Eva Gil", "by the name of the account");
    assert.equal(await names("parentcustomerid_account/accountnumber", "firstname"), "Gil Ana Cai Eva bea Dov Fay");
  });

  test("takes the first", async () => {
    const got = await api.retrieveMultiple({ ...all, select: ["firstname"], orderBy: ["annualincome desc"], top: 2 });
    assert.deepEqual(got.value.map((c) => c.firstname), ["Fay", "Eva"]);
    assert.equal(got.oDataNextLink, undefined);
  });

  test("counts", async () => {
    const got = await api.retrieveMultiple({ ...all, select: ["firstname"], count: true, top: 1 });
    assert.equal(got.oDataCount, 7);
    assert.equal(await api.count(all), 7);
    assert.equal(await api.count({ collection: "contacts", filter: `department eq '${unique()}'` }), 0);
    assert.ok(await api.count({ collection: "contacts" }) >= 7, "contacts/$count");
    assert.equal(await api.countAll({ ...all, select: ["firstname"], maxPageSize: 3 }), 7);
  });

  test("annotates every record", async () => {
    const got = await api.retrieveMultiple({ ...all, select: ["firstname", "gendercode", "_parentcustomerid_value"], orderBy: ["firstname"], includeAnnotations: "*" });
    const [ana] = got.value;
    assert.equal(ana.gendercode_Formatted, "Female");
    assert.equal(ana._parentcustomerid_value_Formatted, `${mark} 1`);
    assert.equal(ana._parentcustomerid_value_LogicalName, "account");
    assert.equal(ana._parentcustomerid_value_NavigationProperty, "parentcustomerid_account");
    assert.match(ana["@odata.etag"], /^W\/"\d+"$/);
    assert.equal(got["@Microsoft.Dynamics.CRM.totalrecordcount"], -1);
  });

  test("expands lookups and collections, with options, and nested", async () => {
    const got = await api.retrieveMultiple({
      collection: "accounts", select: ["name"], filter: `startswith(name,'${mark}')`, orderBy: ["name"],
      expand: [
        { property: "contact_customer_accounts", select: ["firstname"], filter: "annualincome ge 3000", orderBy: ["annualincome desc"], top: 2 },
        { property: "owninguser", select: ["fullname"] },
      ],
    });
    assert.deepEqual(got.value.map((a) => a.contact_customer_accounts.map((c) => c.firstname)), [["Eva", "Cai"], ["Fay", "Dov"]]);
    assert.equal(got.value[0].owninguser.systemuserid, seed.applicationUser);
    const nested = await api.retrieveMultiple({
      ...all, select: ["firstname"], orderBy: ["firstname"],
      expand: [{ property: "parentcustomerid_account", select: ["name"], expand: [{ property: "contact_customer_accounts", select: ["firstname"], filter: "startswith(firstname,'a')" }] }],
    });
    assert.deepEqual(nested.value[2].parentcustomerid_account.contact_customer_accounts.map((c) => c.firstname), ["Ana"]);
    assert.equal(nested.value[6].parentcustomerid_account, null);
  });

  test("names users and teams by the key of all principals as well", async () => {
    const user = await api.retrieve({ collection: "systemusers", key: seed.agent.id, select: ["fullname"] });
    assert.equal(user.ownerid, seed.agent.id);
    const owned = await api.retrieve({ collection: "accounts", key: accounts[0], select: ["name"], expand: [{ property: "ownerid", select: ["ownerid"] }] });
    assert.equal(owned.ownerid.ownerid, seed.applicationUser);
  });

  test("groups and aggregates", async () => {
    const got = await api.retrieveMultiple({
      collection: "contacts",
      apply: `filter(department eq '${mark}')/groupby((gendercode),aggregate(annualincome with sum as total,$count as n))`,
    });
    const rows = Object.fromEntries(got.value.filter((r) => r.gendercode != null).map((r) => [r.gendercode, [r.total, r.n]]));
    assert.deepEqual(rows, { 1: [7000, 2], 2: [8000, 3] });
  });

  test("finds entity sets by the entities' names", async () => {
    const named = client({ useEntityNames: true });
    const got = await named.retrieveMultiple({ ...all, collection: "contact", select: ["firstname"], top: 1 });
    assert.equal(got.value.length, 1);
    const id = await named.create({ collection: "account", data: { name: unique(), "primarycontactid@odata.bind": `contact(${ids[0]})` } });
    assert.equal((await named.retrieve({ collection: "account", key: id, select: ["_primarycontactid_value"] }))._primarycontactid_value, ids[0]);
  });

  test("takes tags and refuses options that Dataverse has not", async () => {
    const got = await api.retrieveMultiple({ ...all, select: ["firstname"], top: 1, tag: "for a plug-in", noCache: true });
    assert.equal(got.value.length, 1);
    await refused(api.retrieveMultiple({ ...all, queryParams: ["$skip=2"] }), 400, "0x80060888");
    await refused(api.retrieveMultiple({ ...all, select: ["nothing"] }), 400, "0x0");
    await refused(api.retrieveMultiple({ ...all, expand: [{ property: "nothing" }] }), 400, "0x0");
    await refused(api.retrieveMultiple({ ...all, orderBy: ["nothing"] }), 400, "0x0");
  });
});

suite("pages", () => {
  const all = { collection: "contacts", filter: `department eq '${mark}'`, select: ["firstname"], orderBy: ["firstname"] };

  test("goes from page to page by the link", async () => {
    const pages = [];
    let got = await api.retrieveMultiple({ ...all, maxPageSize: 3 });
    for (;;) {
      pages.push(got.value.map((c) => c.firstname));
      if (!got.oDataNextLink) break;
      got = await api.retrieveMultiple({ ...all, maxPageSize: 3 }, got.oDataNextLink);
    }
    assert.deepEqual(pages, [["Ana", "bea", "Cai"], ["Dov", "Eva", "Fay"], ["Gil"]]);
  });

  test("reads all pages", async () => {
    for (const maxPageSize of [1, 2, 6, 7, 8]) {
      const got = await api.retrieveAll({ ...all, maxPageSize, orderBy: ["gendercode"] });
      assert.equal(new Set(got.value.map((c) => c.contactid)).size, 7, `with pages of ${maxPageSize}`);
      assert.equal(got.value.length, 7);
    }
  });

  test("keeps count, expands and annotations on every page", async () => {
    const wanted = { ...all, maxPageSize: 4, count: true, includeAnnotations: "*", expand: [{ property: "parentcustomerid_account", select: ["name"] }] };
    const first = await api.retrieveMultiple(wanted);
    const second = await api.retrieveMultiple(wanted, first.oDataNextLink);
    assert.equal(first.oDataCount, 7);
    assert.equal(second.value.length, 3);
    assert.equal(second.value[0].parentcustomerid_account.name, `${mark} 1`);
    assert.equal("parentcustomerid_account" in second.value[2], true);
  });

  test("is not disturbed by a record that comes in between", async () => {
    const name = unique("Paging");
    const add = (n) => api.create({ collection: "subjects", data: { title: `${name} ${n}` } });
    for (const n of [2, 4, 6, 8]) await add(n);
    const wanted = { collection: "subjects", filter: `startswith(title,'${name}')`, select: ["title"], orderBy: ["title"], maxPageSize: 2 };
    const first = await api.retrieveMultiple(wanted);
    await add(1);
    await add(7);
    const second = await api.retrieveMultiple(wanted, first.oDataNextLink);
    const third = await api.retrieveMultiple(wanted, second.oDataNextLink);
    assert.deepEqual([first, second, third].flatMap((p) => p.value.map((s) => s.title.at(-1))), ["2", "4", "6", "7", "8"]);
  });
});

suite("saved views", () => {
  test("a system view is run by its ID, in pages", async () => {
    const views = await api.retrieveMultiple({ collection: "savedqueries", select: ["name"], filter: "name eq 'Active Accounts'" });
    const savedQuery = views.value[0].savedqueryid;
    const first = await api.retrieveMultiple({ collection: "accounts", savedQuery, maxPageSize: 1 });
    assert.equal(first.value.length, 1);
    const all = await api.retrieveAll({ collection: "accounts", savedQuery, maxPageSize: 3 });
    const active = await api.retrieveAll({ collection: "accounts", select: ["name"], filter: "statecode eq 0" });
    assert.equal(all.value.length, active.value.length);
    assert.ok("createdon" in first.value[0] && !("telephone1" in first.value[0]), "a view shows its own fields");
  });

  test("a user's view is made and run", async () => {
    const fetchxml = `<fetch><entity name="contact"><attribute name="firstname"/><filter><condition attribute="department" operator="eq" value="${mark}"/></filter><order attribute="firstname"/></entity></fetch>`;
    const userQuery = await api.create({ collection: "userqueries", data: { name: mark, returnedtypecode: "contact", querytype: 0, fetchxml } });
    const got = await api.retrieveMultiple({ collection: "contacts", userQuery });
    assert.deepEqual(got.value.map((c) => c.firstname), contacts.map((c) => c.firstname));
    const below = await api.retrieveMultiple({ collection: `accounts(${accounts[0]})/contact_customer_accounts`, userQuery });
    assert.equal(below.value.length, 3);
    await refused(api.retrieveMultiple({ collection: "accounts", userQuery }), 400, "0x80041128");
  });
});

suite("changes", () => {
  test("what was changed and deleted since is told", async () => {
    let link = (await api.retrieveMultiple({ collection: "positions", select: ["name"], trackChanges: true })).oDataDeltaLink;
    const ids = await Promise.all([1, 2].map((n) => api.create({ collection: "positions", data: { name: `${mark} ${n}` } })));
    await api.deleteRecord({ collection: "positions", key: ids[0] });
    const changed = await api.retrieveMultiple({ collection: "positions" }, link);
    const mine = changed.value.filter((c) => c.reason === "deleted" ? c.id === ids[0] : c.name.startsWith(mark));
    assert.deepEqual(mine.map((c) => c.reason ?? c.name), [`${mark} 2`, "deleted"]);
    link = changed.oDataDeltaLink;
    assert.deepEqual((await api.retrieveMultiple({ collection: "positions" }, link)).value, []);
    await refused(api.retrieveMultiple({ collection: "positions", filter: "name eq 'x'", trackChanges: true }), 400, "0x80060888");
  });
});
