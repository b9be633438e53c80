// Records one at a time: create, retrieve, update, upsert, delete.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { suite, test } from "node:test";

import { client, guid, refused, seed, unique } from "../support/server.js";

const api = client();

suite("create", () => {
  test("answers with the new record's ID", async () => {
    const id = await api.create({ collection: "accounts", data: { name: unique() } });
    assert.match(id, guid);
  });

  test("keeps a value of every kind", async () => {
    const name = unique("Every kind");
    const id = await api.create({
      collection: "accounts",
      data: {
        name,
        description: "first line\nsecond line, “quoted” — naïve café 😀",
        numberofemployees: 250,
        revenue: 1234567.89,
        address1_latitude: 43.0718,
        creditonhold: true,
        industrycode: 1,
        websiteurl: "https://example.com/?a=1&b=2",
      },
    });
    const got = await api.retrieve({
      collection: "accounts", key: id,
      select: ["name", "description", "numberofemployees", "revenue", "address1_latitude", "creditonhold", "industrycode", "websiteurl", "statecode", "statuscode", "createdon", "fax"],
    });
    assert.equal(got.accountid, id);
    assert.equal(got.name, name);
    assert.equal(got.description, "first line\nsecond line, “quoted” — naïve café 😀");
    assert.equal(got.numberofemployees, 250);
    assert.equal(got.revenue, 1234567.89);
    assert.match(got._transactioncurrencyid_value, guid, "money brings its currency");
    assert.equal(got.address1_latitude, 43.0718);
    assert.equal(got.creditonhold, true);
    assert.equal(got.industrycode, 1);
    assert.equal(got.websiteurl, "https://example.com/?a=1&b=2");
    assert.deepEqual([got.statecode, got.statuscode, got.fax], [0, 1, null]);
    assert.ok(got.createdon instanceof Date, "the library reads date-times without fractions as dates");
  });

  test("takes JavaScript's dates, and dates without a time", async () => {
    const due = new Date("2031-05-17T15:30:00.000Z");
    const task = await api.create({
      collection: "tasks", data: { subject: unique(), scheduledend: due }, returnRepresentation: true, select: ["scheduledend"],
    });
    assert.deepEqual(task.scheduledend, due);
    const contact = await api.create({
      collection: "contacts", data: { lastname: unique(), birthdate: "1985-02-28" }, returnRepresentation: true, select: ["birthdate"],
    });
    assert.equal(contact.birthdate, "1985-02-28");
  });

  test("takes decimals and multi-select choices", async () => {
    const product = await api.create({
      collection: "products", data: { name: unique(), productnumber: unique("P"), stockweight: 12.5 },
      returnRepresentation: true, select: ["stockweight"],
    });
    assert.equal(product.stockweight, 12.5);
    const item = await api.create({
      collection: "msdyn_ocliveworkitems", data: { subject: unique(), msdyn_channel: "192350000" },
      returnRepresentation: true, select: ["msdyn_channel"],
    });
    assert.equal(item.msdyn_channel, "192350000");
  });

  test("binds lookups: plain, customer and owner, with braces, slash or without", async () => {
    const contact = await api.create({ collection: "contacts", data: { firstname: "Ada", lastname: unique() } });
    const account = await api.create({
      collection: "accounts", data: { name: unique(), "primarycontactid@odata.bind": `contacts({${contact.toUpperCase()}})` },
    });
    const incident = await api.create({
      collection: "incidents",
      data: {
        title: unique(),
        "customerid_account@odata.bind": `/accounts(${account})`,
        "primarycontactid@odata.bind": `contacts(${contact})`,
        "ownerid@odata.bind": `teams(${seed.team})`,
      },
    });
    const got = await api.retrieve({
      collection: "incidents", key: incident, select: ["_customerid_value", "_primarycontactid_value", "_ownerid_value", "ticketnumber"], includeAnnotations: "*",
    });
    assert.equal(got._customerid_value, account);
    assert.equal(got._customerid_value_LogicalName, "account");
    assert.equal(got._customerid_value_NavigationProperty, "customerid_account");
    assert.equal(got._primarycontactid_value, contact);
    assert.equal(got._ownerid_value, seed.team);
    assert.equal(got._ownerid_value_LogicalName, "team");
    assert.match(got.ticketnumber, /^CAS-/);
    const read = await api.retrieve({ collection: "accounts", key: account, select: ["_primarycontactid_value"] });
    assert.equal(read._primarycontactid_value, contact);
  });

  test("answers with the record where it is wanted, shaped by select and expand", async () => {
    const name = unique();
    const got = await api.create({
      collection: "contacts",
      data: { firstname: "Grace", lastname: name, parentcustomerid_account: { name: `${name} Ltd` } },
      returnRepresentation: true,
      select: ["fullname"],
      expand: [{ property: "parentcustomerid_account", select: ["name"] }],
    });
    assert.equal(got.fullname, `Grace ${name}`);
    assert.equal(got.parentcustomerid_account.name, `${name} Ltd`);
    assert.match(got["@odata.etag"], /^W\/"\d+"$/);
    assert.equal("lastname" in got, false);
  });

  test("takes an ID of the client's, once", async () => {
    const accountid = randomUUID();
    assert.equal(await api.create({ collection: "accounts", data: { accountid, name: unique() } }), accountid);
    await refused(api.create({ collection: "accounts", data: { accountid, name: unique() } }), 412, "0x80040237");
  });

  test("creates what hangs below in the same request", async () => {
    const name = unique();
    const id = await api.create({
      collection: "accounts",
      data: {
        name,
        primarycontactid: { lastname: name, Contact_Tasks: [{ subject: `${name} call` }] },
        Account_Tasks: [{ subject: `${name} a` }, { subject: `${name} b` }],
      },
    });
    const got = await api.retrieve({
      collection: "accounts", key: id, select: ["name"],
      expand: [
        { property: "primarycontactid", select: ["lastname"] },
        { property: "Account_Tasks", select: ["subject"], orderBy: ["subject desc"] },
      ],
    });
    assert.equal(got.primarycontactid.lastname, name);
    assert.deepEqual(got.Account_Tasks.map((t) => t.subject), [`${name} b`, `${name} a`]);
    const calls = await api.retrieveMultiple({ collection: "tasks", filter: `subject eq '${name} call'`, select: ["_regardingobjectid_value"] });
    assert.equal(calls.value[0]._regardingobjectid_value, got.primarycontactid.contactid);
  });

  test("keeps the parties of an activity", async () => {
    const contact = await api.create({ collection: "contacts", data: { lastname: unique(), emailaddress1: `${randomUUID()}@example.com` } });
    const email = await api.create({
      collection: "emails",
      data: {
        subject: unique(),
        "regardingobjectid_contact_email@odata.bind": `/contacts(${contact})`,
        email_activity_parties: [
          { "partyid_systemuser@odata.bind": `/systemusers(${seed.agent.id})`, participationtypemask: 1 },
          { "partyid_contact@odata.bind": `/contacts(${contact})`, participationtypemask: 2 },
        ],
      },
    });
    const got = await api.retrieve({
      collection: "emails", key: email, select: ["subject"],
      expand: [{ property: "email_activity_parties", select: ["participationtypemask", "_partyid_value"] }],
    });
    const parties = Object.fromEntries(got.email_activity_parties.map((p) => [p.participationtypemask, p._partyid_value]));
    assert.equal(parties[1], seed.agent.id);
    assert.equal(parties[2], contact);
  });

  test("keeps an image", async () => {
    const entityimage = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    const id = await api.create({ collection: "contacts", data: { lastname: unique(), entityimage } });
    const got = await api.retrieve({ collection: "contacts", key: id, select: ["entityimage", "entityimage_url"] });
    assert.equal(got.entityimage, entityimage);
    assert.match(got.entityimage_url, /^\//);
  });

  test("tells apart a record that is sent back with the library's own annotations", async () => {
    const name = unique();
    const read = await api.create({
      collection: "accounts", data: { name, industrycode: 1 }, returnRepresentation: true, includeAnnotations: "*", select: ["name", "industrycode"],
    });
    assert.equal(typeof read.industrycode_Formatted, "string");
    delete read.accountid;
    delete read["@odata.etag"];
    delete read["@odata.context"];
    assert.match(await api.create({ collection: "accounts", data: read }), guid);
  });
});

suite("retrieve", () => {
  const name = unique("Retrieve");
  const made = api.create({
    collection: "accounts",
    data: { name, revenue: 5000, telephone1: "555-0199", primarycontactid: { firstname: "Lin", lastname: name } },
    returnRepresentation: true, select: ["accountid", "_primarycontactid_value"],
  });

  test("has every field where none is selected", async () => {
    const { accountid } = await made;
    const got = await api.retrieve({ collection: "accounts", key: accountid });
    assert.equal(got.name, name);
    for (const field of ["_ownerid_value", "_createdby_value", "versionnumber", "modifiedon", "address1_city", "statuscode"]) {
      assert.ok(field in got, `${field} is missing`);
    }
    assert.match(got.oDataContext, /\$metadata#accounts\/\$entity$/);
  });

  test("has annotations where they are wanted", async () => {
    const { accountid } = await made;
    const got = await api.retrieve({
      collection: "accounts", key: accountid, select: ["revenue", "statecode", "_primarycontactid_value"],
      includeAnnotations: "OData.Community.Display.V1.FormattedValue",
    });
    assert.equal(got.revenue_Formatted, "$5,000.00");
    assert.equal(got.statecode_Formatted, "Active");
    assert.equal(got._primarycontactid_value_Formatted, `Lin ${name}`);
    assert.equal("_primarycontactid_value_LogicalName" in got, false, "only what was asked for");
  });

  test("reads one value, a related record and a reference", async () => {
    const { accountid, _primarycontactid_value: contact } = await made;
    const one = await api.retrieve({ collection: "accounts", key: accountid, select: ["/telephone1"] });
    assert.equal(one.value, "555-0199");
    const related = await api.retrieve({ collection: "accounts", key: accountid, navigationProperty: "primarycontactid", select: ["fullname"] });
    assert.equal(related.fullname, `Lin ${name}`);
    const reference = await api.retrieve({ collection: "accounts", key: accountid, select: ["primarycontactid/$ref"] });
    assert.deepEqual([reference.collection, reference.id], ["contacts", contact]);
  });

  test("reads what hangs below with options of its own", async () => {
    const { _primarycontactid_value: contact } = await made;
    const got = await api.retrieve({
      collection: "contacts", key: contact, navigationProperty: "account_primary_contact", select: ["name"], expand: [{ property: "primarycontactid", select: ["lastname"] }],
    });
    assert.deepEqual(got.value.map((a) => [a.name, a.primarycontactid.lastname]), [[name, name]]);
  });

  test("finds by an alternate key", async () => {
    const got = await api.retrieve({
      collection: "systemusers", key: `azureactivedirectoryobjectid=${seed.agent.directoryID}`, select: ["fullname"],
    });
    assert.deepEqual([got.systemuserid, got.fullname], [seed.agent.id, seed.agent.name]);
  });

  test("says nothing about what has not changed", async () => {
    const { accountid } = await made;
    const got = await api.retrieve({ collection: "accounts", key: accountid, select: ["name"] });
    assert.equal(await api.retrieve({ collection: "accounts", key: accountid, select: ["name"], ifnonematch: got["@odata.etag"] }), undefined);
    const again = await api.retrieve({ collection: "accounts", key: accountid, select: ["name"], ifnonematch: 'W/"1"' });
    assert.equal(again.name, name);
  });

  test("knows what does not exist", async () => {
    const error = await refused(api.retrieve({ collection: "accounts", key: randomUUID() }), 404, "0x80040217");
    assert.match(error.message, /^account With Id = .* Does Not Exist$/i);
  });
});

suite("update", () => {
  const make = (data = {}) => api.create({ collection: "accounts", data: { name: unique(), ...data }, returnRepresentation: true, select: ["name"] });
  const read = (key, ...select) => api.retrieve({ collection: "accounts", key, select });

  test("changes only what it says", async () => {
    const { accountid, name } = await make({ fax: "1" });
    assert.equal(await api.update({ collection: "accounts", key: accountid, data: { fax: "2", numberofemployees: 7 } }), true);
    const got = await read(accountid, "name", "fax", "numberofemployees");
    assert.deepEqual([got.name, got.fax, got.numberofemployees], [name, "2", 7]);
  });

  test("answers with the record where it is wanted", async () => {
    const { accountid } = await make();
    const got = await api.update({
      collection: "accounts", key: accountid, data: { fax: "3" }, returnRepresentation: true, select: ["fax"],
    });
    assert.deepEqual([got.accountid, got.fax], [accountid, "3"]);
    assert.match(got["@odata.etag"], /^W\//);
  });

  test("clears values and lookups", async () => {
    const { accountid } = await make({ fax: "4", primarycontactid: { lastname: unique() } });
    await api.update({ collection: "accounts", key: accountid, data: { fax: null, "primarycontactid@odata.bind": null } });
    const got = await read(accountid, "fax", "_primarycontactid_value");
    assert.deepEqual([got.fax, got._primarycontactid_value], [null, null]);
  });

  test("minds the version", async () => {
    const { accountid, "@odata.etag": etag } = await make();
    assert.equal(await api.update({ collection: "accounts", key: accountid, data: { fax: "5" }, ifmatch: etag }), true);
    assert.equal(await api.update({ collection: "accounts", key: accountid, data: { fax: "6" }, ifmatch: etag }), false, "the library's word for 412");
    await refused(
      client({ propagateErrors: true }).update({ collection: "accounts", key: accountid, data: { fax: "6" }, ifmatch: etag }), 412, "0x80060882",
    );
    assert.equal((await read(accountid, "fax")).fax, "5");
  });

  test("makes nothing of what does not exist", async () => {
    const id = randomUUID();
    await refused(api.update({ collection: "accounts", key: id, data: { name: "x" } }), 404, "0x80040217");
    await refused(api.retrieve({ collection: "accounts", key: id }), 404, "0x80040217");
  });

  test("changes and clears one value", async () => {
    const { accountid } = await make({ fax: "7" });
    const name = unique("renamed");
    await api.updateSingleProperty({ collection: "accounts", key: accountid, fieldValuePair: { name } });
    assert.equal(await api.deleteRecord({ collection: "accounts", key: accountid, property: "fax" }), true);
    const got = await read(accountid, "name", "fax");
    assert.deepEqual([got.name, got.fax], [name, null]);
  });

  test("sets state and status", async () => {
    const { accountid } = await make();
    await api.update({ collection: "accounts", key: accountid, data: { statecode: 1, statuscode: 2 } });
    const got = await read(accountid, "statecode", "statuscode");
    assert.deepEqual([got.statecode, got.statuscode], [1, 2]);
  });

  test("gives a record to another owner", async () => {
    const { accountid } = await make();
    await api.update({ collection: "accounts", key: accountid, data: { "ownerid@odata.bind": `systemusers(${seed.agent.id})` } });
    assert.equal((await read(accountid, "_ownerid_value"))._ownerid_value, seed.agent.id);
  });
});

suite("upsert", () => {
  const upsert = (key, data, more = {}) => api.upsert({ collection: "accounts", key, data, ...more });

  test("creates, then updates", async () => {
    const id = randomUUID();
    assert.equal(await upsert(id, { name: unique(), fax: "1" }), id);
    assert.equal(await upsert(id, { fax: "2" }), id);
    assert.equal((await api.retrieve({ collection: "accounts", key: id, select: ["fax"] })).fax, "2");
  });

  test("answers with the record either way", async () => {
    const id = randomUUID();
    const wanted = { returnRepresentation: true, select: ["fax"] };
    assert.equal((await upsert(id, { name: unique(), fax: "1" }, wanted)).fax, "1");
    assert.equal((await upsert(id, { fax: "2" }, wanted)).fax, "2");
  });

  test("only creates with If-None-Match", async () => {
    const id = randomUUID();
    assert.equal(await upsert(id, { name: unique(), fax: "1" }, { ifnonematch: "*" }), id);
    assert.equal(await upsert(id, { fax: "2" }, { ifnonematch: "*" }), null);
    assert.equal((await api.retrieve({ collection: "accounts", key: id, select: ["fax"] })).fax, "1");
  });

  test("only updates with If-Match", async () => {
    const id = randomUUID();
    assert.equal(await upsert(id, { name: unique() }, { ifmatch: "*" }), null);
    await refused(api.retrieve({ collection: "accounts", key: id }), 404, "0x80040217");
  });

  test("finds the record by an alternate key", async () => {
    const title = unique();
    await api.upsert({
      collection: "systemusers", key: `azureactivedirectoryobjectid=${seed.director.directoryID}`, data: { title }, ifmatch: "*",
    });
    const got = await api.retrieve({ collection: "systemusers", key: seed.director.id, select: ["title"] });
    assert.equal(got.title, title);
  });
});

suite("delete", () => {
  test("removes a record once", async () => {
    const id = await api.create({ collection: "accounts", data: { name: unique() } });
    assert.equal(await api.deleteRecord({ collection: "accounts", key: id }), true);
    await refused(api.deleteRecord({ collection: "accounts", key: id }), 404, "0x80040217");
  });

  test("minds the version", async () => {
    const made = await api.create({ collection: "accounts", data: { name: unique() }, returnRepresentation: true, select: ["name"] });
    await api.update({ collection: "accounts", key: made.accountid, data: { fax: "1" } });
    const stale = { collection: "accounts", key: made.accountid, ifmatch: made["@odata.etag"] };
    assert.equal(await api.deleteRecord(stale), false);
    await refused(client({ propagateErrors: true }).deleteRecord(stale), 412, "0x80060882");
    assert.equal(await api.deleteRecord({ ...stale, ifmatch: "*" }), true);
  });
});

/** A bitmap, which grows with its sides and needs no library. */
function bitmap(width, height) {
  const row = Math.ceil((width * 3) / 4) * 4;
  const b = Buffer.alloc(54 + row * height, 0x7f);
  b.fill(0, 0, 54);
  b.write("BM");
  b.writeUInt32LE(b.length, 2);
  b.writeUInt32LE(54, 10);
  b.writeUInt32LE(40, 14);
  b.writeInt32LE(width, 18);
  b.writeInt32LE(height, 22);
  b.writeUInt16LE(1, 26);
  b.writeUInt16LE(24, 28);
  b.writeUInt32LE(row * height, 34);
  return b;
}

suite("images", () => {
  for (const [what, image] of [["one part", bitmap(200, 100)], ["several parts", bitmap(1500, 1200)]]) {
    test(`go there and back in ${what}`, async () => {
      const key = await api.create({ collection: "contacts", data: { lastname: unique("Image") } });
      await api.uploadFile({ collection: "contacts", key, property: "entityimage", fileName: "me.bmp", data: image });
      const got = await api.downloadFile({ collection: "contacts", key, property: "entityimage" });
      assert.equal(got.fileSize, image.length);
      assert.equal(got.fileName, "entityimage.bmp");
      assert.ok(Buffer.compare(got.data, image) === 0, "what came back is another image");
      await api.deleteRecord({ collection: "contacts", key, property: "entityimage" });
      assert.equal((await api.retrieve({ collection: "contacts", key, select: ["entityimageid"] })).entityimageid, null);
    });
  }
});
