// What the schema is: entities, attributes, relationships, choices.
import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { client, guid, refused } from "../support/server.js";

const api = client();
const crm = (name) => `Microsoft.Dynamics.CRM.${name}`;

suite("entities", () => {
  test("all of them, with the names of their sets", async () => {
    const got = await api.retrieveEntities({ select: ["LogicalName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute"] });
    const sets = Object.fromEntries(got.value.map((e) => [e.LogicalName, e.EntitySetName]));
    for (const [name, set] of Object.entries({ account: "accounts", opportunity: "opportunities", activityparty: "activityparties", systemuser: "systemusers" })) {
      assert.equal(sets[name], set);
    }
    for (const e of got.value) assert.match(e.MetadataId, guid);
  });

  test("those that a filter finds", async () => {
    const find = async (filter) => (await api.retrieveEntities({ select: ["LogicalName"], filter })).value.map((e) => e.LogicalName);
    assert.deepEqual(await find("LogicalName eq 'contact'"), ["contact"]);
    assert.ok((await find("IsActivity eq true")).includes("task"));
    const owned = await find("OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'");
    assert.ok(owned.includes("account") && !owned.includes("systemuser"));
    assert.ok((await find("IsDuplicateDetectionEnabled/Value eq true")).includes("lead"));
  });

  test("one, by name and by ID, with all that belongs to it", async () => {
    const byName = await api.retrieveEntity({
      key: "LogicalName='account'",
      select: ["LogicalName", "DisplayName", "ObjectTypeCode", "PrimaryNameAttribute"],
      expand: [
        { property: "Attributes", select: ["LogicalName", "AttributeType"], filter: "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Money'" },
        { property: "Keys" },
        { property: "ManyToOneRelationships", select: ["ReferencingAttribute", "ReferencedEntity"] },
        { property: "OneToManyRelationships", select: ["SchemaName"] },
        { property: "ManyToManyRelationships", select: ["SchemaName", "IntersectEntityName"] },
      ],
    });
    assert.deepEqual([byName.LogicalName, byName.ObjectTypeCode, byName.PrimaryNameAttribute], ["account", 1, "name"]);
    assert.equal(byName.DisplayName.UserLocalizedLabel.Label, "Account");
    assert.ok(byName.Attributes.some((a) => a.LogicalName === "revenue"));
    assert.deepEqual(new Set(byName.Attributes.map((a) => a.AttributeType)), new Set(["Money"]));
    assert.ok(byName.ManyToOneRelationships.some((r) => r.ReferencingAttribute === "primarycontactid" && r.ReferencedEntity === "contact"));
    assert.ok(byName.OneToManyRelationships.some((r) => r.SchemaName === "contact_customer_accounts"));
    assert.ok(byName.ManyToManyRelationships.some((r) => r.SchemaName === "accountleads_association"));
    const byID = await api.retrieveEntity({ key: byName.MetadataId, select: ["LogicalName"] });
    assert.equal(byID.LogicalName, "account");
  });

  test("none that does not exist", async () => {
    const error = await api.retrieveEntity({ key: "LogicalName='acount'" }).then(() => assert.fail("was answered"), (e) => e);
    assert.equal(error.status, 404);
    assert.match(error.message, /'acount'/);
  });
});

suite("attributes", () => {
  const entityKey = "LogicalName='account'";

  test("all of an entity", async () => {
    const got = await api.retrieveAttributes({ entityKey });
    const name = got.value.find((a) => a.LogicalName === "name");
    assert.equal(name["@odata.type"], "#Microsoft.Dynamics.CRM.StringAttributeMetadata");
    assert.deepEqual([name.MaxLength, name.AttributeType, name.IsPrimaryName, name.RequiredLevel.Value], [160, "String", true, "ApplicationRequired"]);
  });

  const casts = [
    ["StringAttributeMetadata", "name", (a) => assert.equal(a.FormatName.Value, "Text")],
    ["MemoAttributeMetadata", "description", (a) => assert.equal(a.MaxLength, 2000)],
    ["IntegerAttributeMetadata", "numberofemployees", (a) => assert.equal(a.MinValue, 0)],
    ["MoneyAttributeMetadata", "revenue", (a) => assert.equal(typeof a.PrecisionSource, "number")],
    ["DoubleAttributeMetadata", "address1_latitude", (a) => assert.equal(a.Precision, 5)],
    ["DecimalAttributeMetadata", "exchangerate", (a) => assert.equal(a.Precision, 12)],
    ["DateTimeAttributeMetadata", "createdon", (a) => assert.equal(a.DateTimeBehavior.Value, "UserLocal")],
    ["LookupAttributeMetadata", "primarycontactid", (a) => assert.deepEqual(a.Targets, ["contact"])],
    ["BigIntAttributeMetadata", "versionnumber", (a) => assert.equal(a.IsValidForUpdate, false)],
    ["UniqueIdentifierAttributeMetadata", "accountid", (a) => assert.equal(a.IsPrimaryId, true)],
    ["ImageAttributeMetadata", "entityimage", (a) => assert.equal(a.IsPrimaryImage, true)],
  ];
  for (const [cast, field, check] of casts) {
    test(`as ${cast}`, async () => {
      const got = await api.retrieveAttributes({ entityKey, castType: crm(cast) });
      assert.ok(got.value.length > 0);
      check(got.value.find((a) => a.LogicalName === field));
      check(await api.retrieveAttribute({ entityKey, attributeKey: `LogicalName='${field}'`, castType: crm(cast) }));
    });
  }

  test("choices with their options", async () => {
    const got = await api.retrieveAttributes({
      entityKey, castType: crm("PicklistAttributeMetadata"), select: ["LogicalName"], expand: [{ property: "OptionSet", select: ["Options"] }, { property: "GlobalOptionSet" }],
    });
    const industry = got.value.find((a) => a.LogicalName === "industrycode");
    assert.equal(industry.OptionSet.Options.find((o) => o.Value === 1).Label.UserLocalizedLabel.Label, "Accounting");
    const status = await api.retrieveAttribute({
      entityKey, attributeKey: "LogicalName='statuscode'", castType: crm("StatusAttributeMetadata"), expand: [{ property: "OptionSet" }],
    });
    assert.deepEqual(status.OptionSet.Options.map((o) => [o.Value, o.State]), [[1, 0], [2, 1]]);
    const state = await api.retrieveAttribute({
      entityKey, attributeKey: "LogicalName='statecode'", castType: crm("StateAttributeMetadata"), expand: [{ property: "OptionSet" }],
    });
    assert.deepEqual(state.OptionSet.Options.map((o) => [o.Value, o.DefaultStatus, o.InvariantName]), [[0, 1, "Active"], [1, 2, "Inactive"]]);
    const hold = await api.retrieveAttribute({
      entityKey, attributeKey: "LogicalName='creditonhold'", castType: crm("BooleanAttributeMetadata"), expand: [{ property: "OptionSet" }],
    });
    assert.deepEqual([hold.OptionSet.TrueOption.Value, hold.OptionSet.FalseOption.Value, hold.DefaultValue], [1, 0, false]);
  });

  test("one by its ID", async () => {
    const byName = await api.retrieveAttribute({ entityKey, attributeKey: "LogicalName='name'", select: ["MetadataId"] });
    const byID = await api.retrieveAttribute({ entityKey, attributeKey: byName.MetadataId, select: ["LogicalName"] });
    assert.equal(byID.LogicalName, "name");
  });
});

suite("relationships", () => {
  test("all of a kind", async () => {
    const many = await api.retrieveRelationships({ castType: crm("OneToManyRelationshipMetadata"), select: ["SchemaName", "ReferencedEntity", "ReferencingEntityNavigationPropertyName"] });
    const customer = many.value.find((r) => r.SchemaName === "contact_customer_accounts");
    assert.deepEqual([customer.ReferencedEntity, customer.ReferencingEntityNavigationPropertyName], ["account", "parentcustomerid_account"]);
    const crossed = await api.retrieveRelationships({ castType: crm("ManyToManyRelationshipMetadata"), filter: "SchemaName eq 'accountleads_association'" });
    assert.deepEqual(crossed.value.map((r) => r.IntersectEntityName), ["accountleads"]);
    const all = await api.retrieveRelationships({ select: ["SchemaName"] });
    assert.ok(all.value.length >= many.value.length);
  });

  test("one, by name and by ID", async () => {
    const byName = await api.retrieveRelationship({ key: "SchemaName='account_primary_contact'" });
    assert.equal(byName["@odata.type"], "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata");
    const byID = await api.retrieveRelationship({ key: byName.MetadataId, castType: crm("OneToManyRelationshipMetadata"), select: ["ReferencingAttribute", "CascadeConfiguration"] });
    assert.equal(byID.ReferencingAttribute, "primarycontactid");
    assert.equal(byID.CascadeConfiguration.Delete, "RemoveLink");
  });
});

suite("global choices", () => {
  test("all, and one with its options, by name and by ID", async () => {
    const all = await api.retrieveGlobalOptionSets({ select: ["Name"] });
    assert.ok(all.value.length > 0);
    const [{ Name, MetadataId }] = all.value;
    const byName = await api.retrieveGlobalOptionSet({ key: `Name='${Name}'`, castType: crm("OptionSetMetadata"), select: ["Name", "Options", "IsGlobal"] });
    assert.equal(byName.IsGlobal, true);
    assert.ok(byName.Options.length > 0);
    const byID = await api.retrieveGlobalOptionSet({ key: MetadataId });
    assert.equal(byID.Name, Name);
  });

  test("none that does not exist", async () => {
    const error = await api.retrieveGlobalOptionSet({ key: "Name='no_such_choice'" }).then(() => assert.fail("was answered"), (e) => e);
    assert.ok(error.status === 404 || error.status === 400, `status ${error.status}`);
  });
});
