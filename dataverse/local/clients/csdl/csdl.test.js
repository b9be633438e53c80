// $metadata as OASIS's own tools read it: the XML schema of CSDL, and the converter of CSDL to JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { before, suite, test } from "node:test";

import csdl from "odata-csdl";
import { validateXML } from "xmllint-wasm";

import { client, root, token, tokensRequired } from "../support/server.js";

const api = client();
const schemas = join(dirname(createRequire(import.meta.url).resolve("odata-csdl/package.json")), "schemas");
const namespace = "Microsoft.Dynamics.CRM";

let xml, model, messages;
before(async () => {
  xml = await api.retrieveCsdlMetadata();
  messages = [];
  model = csdl.xml2json(xml, { strict: true, annotations: true, messages });
});

/** What the document defines: pairs of a name and a definition. */
const all = (kind) => Object.entries(model[namespace]).filter(([, d]) => [d].flat()[0]?.$Kind === kind);
const entity = (name) => model[namespace][name];
/** A definition's type as a name in our namespace; the alias stands for it. */
const local = (type) => type?.replace(/^(mscrm|Microsoft\.Dynamics\.CRM)\./, "");

/** What an entity type has, with what it inherits. */
function members(name) {
  const own = entity(name);
  const base = own.$BaseType ? members(local(own.$BaseType)) : {};
  return { ...base, ...Object.fromEntries(Object.entries(own).filter(([n]) => !n.includes("@") && !n.startsWith("$"))) };
}

function keyOf(name) {
  const type = entity(name);
  return type.$Key ?? (type.$BaseType && keyOf(local(type.$BaseType)));
}

suite("the document", () => {
  test("is valid by OASIS's XML schema", async () => {
    const file = (fileName) => ({ fileName, contents: readFileSync(join(schemas, fileName), "utf8") });
    const { valid, errors } = await validateXML({
      xml: [{ fileName: "metadata.xml", contents: xml }], schema: [file("edmx.xsd")], preload: [file("edm.xsd")], maxMemoryPages: 16384,
    });
    assert.ok(valid, errors.slice(0, 5).map((e) => e.rawMessage).join("\n"));
  });

  test("is read without a complaint", () => assert.deepEqual(messages, []));

  test("is OData 4.0, in Dataverse's namespace", () => {
    assert.match(model.$Version, /^4\.0/);
    assert.equal(model[namespace].$Alias, "mscrm");
    assert.equal(model.$EntityContainer, `${namespace}.System`);
  });

  test("comes as XML whatever is accepted", async () => {
    const headers = tokensRequired ? { Authorization: `Bearer ${await token()}` } : {};
    for (const path of ["$metadata", "$metadata?annotations=true"]) {
      const answer = await fetch(root + path, { headers: { ...headers, Accept: "application/xml" } });
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("content-type"), /^application\/xml/);
    }
  });
});

suite("entity types", () => {
  test("one for each entity set, and each definition", async () => {
    const sets = Object.entries(model[namespace].System).filter(([name, d]) => !name.startsWith("$") && d.$Collection);
    for (const [name, set] of sets) assert.equal(entity(local(set.$Type))?.$Kind, "EntityType", `${name} is of ${set.$Type}`);
    const byType = Object.fromEntries(sets.map(([name, set]) => [local(set.$Type), name]));
    const { value } = await api.retrieveEntities({ select: ["LogicalName", "EntitySetName", "PrimaryIdAttribute"] });
    for (const e of value) {
      assert.equal(byType[e.LogicalName], e.EntitySetName);
      // Users and teams have the key of their base type, which is all principals'.
      const key = ["systemuser", "team"].includes(e.LogicalName) ? ["ownerid"] : [e.PrimaryIdAttribute];
      assert.deepEqual(keyOf(e.LogicalName), key, `the key of ${e.LogicalName}`);
    }
  });

  test("are all of one base", () => {
    assert.equal(entity("crmbaseentity").$Abstract, true);
    for (const [name, type] of all("EntityType")) {
      let base = type;
      while (base.$BaseType) base = entity(local(base.$BaseType));
      assert.equal(base, entity("crmbaseentity"), `the base of ${name}`);
    }
    assert.equal(local(entity("task").$BaseType), "activitypointer");
    assert.equal(local(entity("systemuser").$BaseType), "principal");
  });

  test("have their properties, each of its type", () => {
    const account = members("account");
    const types = {
      accountid: "Edm.Guid", name: undefined, description: undefined, numberofemployees: "Edm.Int32", revenue: "Edm.Decimal", address1_latitude: "Edm.Double",
      creditonhold: "Edm.Boolean", industrycode: "Edm.Int32", createdon: "Edm.DateTimeOffset", versionnumber: "Edm.Int64", _primarycontactid_value: "Edm.Guid", _ownerid_value: "Edm.Guid",
    };
    for (const [name, type] of Object.entries(types)) { // CSDL JSON leaves Edm.String out
      assert.ok(account[name], `${name} is missing`);
      assert.equal(account[name].$Type, type, name);
    }
    assert.equal(members("contact").birthdate.$Type, "Edm.Date");
    assert.equal("primarycontactid" in account && account.primarycontactid.$Kind, "NavigationProperty", "lookups are no properties");
  });

  test("have every property that records have", async () => {
    for (const [collection, name] of [["accounts", "account"], ["contacts", "contact"], ["tasks", "task"], ["incidents", "incident"], ["systemusers", "systemuser"]]) {
      const { value: [record] } = await api.retrieveMultiple({ collection, top: 1 });
      const known = members(name);
      for (const property of Object.keys(record)) assert.ok(property.includes("@") || property in known, `${name}.${property} is not in the document`);
    }
  });
});

suite("navigation properties", () => {
  test("lead to types, with partners and constraints that are there", () => {
    let checked = 0;
    for (const [name] of all("EntityType")) {
      const own = members(name);
      for (const [navigation, d] of Object.entries(own)) {
        if (d.$Kind !== "NavigationProperty") continue;
        const target = local(d.$Type);
        assert.equal(entity(target)?.$Kind, "EntityType", `${name}/${navigation} leads to ${d.$Type}`);
        for (const [property, referenced] of Object.entries(d.$ReferentialConstraint ?? {})) {
          if (property.includes("@")) continue;
          assert.ok(own[property], `${name}/${navigation} is constrained by ${property}`);
          assert.ok(members(target)[referenced], `${name}/${navigation} refers to ${target}.${referenced}`);
        }
        if (d.$Partner) {
          const partner = members(target)[d.$Partner];
          assert.equal(partner?.$Kind, "NavigationProperty", `${name}/${navigation} has the partner ${d.$Partner}`);
          checked++;
        }
      }
    }
    assert.ok(checked > 100, `${checked} partners`);
  });

  test("are those of relationships", () => {
    const account = members("account");
    assert.deepEqual([local(account.primarycontactid.$Type), account.primarycontactid.$Partner], ["contact", "account_primary_contact"]);
    assert.equal(account.primarycontactid.$ReferentialConstraint._primarycontactid_value, "contactid");
    assert.deepEqual([local(account.contact_customer_accounts.$Type), account.contact_customer_accounts.$Collection], ["contact", true]);
    assert.deepEqual([local(account.accountleads_association.$Type), account.accountleads_association.$Collection], ["lead", true]);
    assert.equal(local(account.ownerid.$Type), "principal");
    const incident = members("incident");
    assert.deepEqual([local(incident.customerid_account.$Type), local(incident.customerid_contact.$Type)], ["account", "contact"]);
  });

  test("are bound to sets that are there", () => {
    const container = model[namespace].System;
    for (const [name, set] of Object.entries(container)) {
      for (const [path, target] of Object.entries(set.$NavigationPropertyBinding ?? {})) {
        assert.ok(container[target], `${name}: ${path} is bound to ${target}`);
      }
    }
  });
});

suite("functions, actions and their types", () => {
  const parameters = (operation) => [operation].flat()[0].$Parameter?.map((p) => p.$Name) ?? [];

  test("functions", () => {
    assert.equal(entity("WhoAmI")[0].$Kind, "Function");
    assert.equal(local(entity("WhoAmI")[0].$ReturnType.$Type), "WhoAmIResponse");
    assert.deepEqual(parameters(entity("RetrieveDuplicates")), ["BusinessEntity", "MatchingEntityName", "PagingInfo"]);
  });

  test("actions, bound and unbound", () => {
    assert.equal(entity("CloseIncident")[0].$Kind, "Action");
    assert.deepEqual(parameters(entity("CloseIncident")), ["IncidentResolution", "Status"]);
    const publish = entity("PublishDuplicateRule")[0];
    assert.equal(publish.$IsBound, true);
    assert.equal(local(publish.$Parameter[0].$Type), "duplicaterule");
  });

  test("complex and enum types", () => {
    assert.equal(entity("WhoAmIResponse").$Kind, "ComplexType");
    assert.equal(entity("WhoAmIResponse").UserId.$Type, "Edm.Guid");
    assert.equal(entity("PagingInfo").$Kind, "ComplexType");
    assert.equal(entity("EndpointAccessType").$Kind, "EnumType");
    assert.equal(entity("EndpointAccessType").Default, 0);
  });

  test("all types that are named are there", () => {
    const known = (type) => type === undefined || /^Edm\./.test(type) || model[namespace][local(type)];
    for (const [name, operations] of [...all("Function"), ...all("Action")]) {
      for (const operation of operations) {
        for (const p of operation.$Parameter ?? []) assert.ok(known(p.$Type), `${name}: ${p.$Name} is of ${p.$Type}`);
        assert.ok(known(operation.$ReturnType?.$Type), `${name} returns ${operation.$ReturnType?.$Type}`);
      }
    }
  });

  test("what belongs to no record is imported", () => {
    const container = model[namespace].System;
    assert.equal(local(container.WhoAmI.$Function), "WhoAmI");
    assert.equal(local(container.CloseIncident.$Action), "CloseIncident");
    assert.equal(container.PublishDuplicateRule, undefined);
  });
});
