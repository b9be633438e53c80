// Functions and actions, and acting for other users.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { suite, test } from "node:test";

import { client, guid, refused, seed, unique } from "../support/server.js";

const api = client();

suite("functions", () => {
  test("WhoAmI", async () => {
    const got = await api.callFunction("WhoAmI");
    assert.deepEqual([got.UserId, got.BusinessUnitId, got.OrganizationId], [seed.applicationUser, seed.businessUnit, seed.organization]);
  });

  test("RetrieveVersion", async () => {
    assert.match((await api.callFunction({ name: "RetrieveVersion" })).Version, /^9\.2\.\d+\.\d+$/);
  });

  test("RetrieveCurrentOrganization, with an enum", async () => {
    const { Detail } = await api.callFunction({ name: "RetrieveCurrentOrganization", parameters: { AccessType: "Microsoft.Dynamics.CRM.EndpointAccessType'Default'" } });
    assert.equal(Detail.OrganizationId, seed.organization);
    assert.equal(Detail.Endpoints.Count, Detail.Endpoints.Keys.length);
    assert.deepEqual([...Detail.Endpoints.Keys].sort(), ["OrganizationDataService", "OrganizationService", "WebApplication"]);
  });

  test("RetrieveTotalRecordCount, with an array", async () => {
    const got = await api.callFunction({ name: "RetrieveTotalRecordCount", parameters: { EntityNames: ["account", "contact"] } });
    assert.deepEqual([...got.EntityRecordCountCollection.Keys].sort(), ["account", "contact"]);
  });

  test("RetrieveMetadataChanges, with a query", async () => {
    const Query = {
      Criteria: { FilterOperator: "And", Conditions: [{ PropertyName: "LogicalName", ConditionOperator: "Equals", Value: { Type: "System.String", Value: "account" } }] },
      Properties: { AllProperties: false, PropertyNames: ["LogicalName", "ObjectTypeCode"] },
    };
    const got = await api.callFunction({ name: "RetrieveMetadataChanges", parameters: { Query } });
    assert.deepEqual(got.EntityMetadata.map((e) => e.LogicalName), ["account"]);
    assert.ok(got.ServerVersionStamp);
  });

  test("one that does not exist, or is called as an action", async () => {
    await refused(api.callFunction("WhoIsThat"), 404, "0x8006088a");
    await refused(api.callAction({ actionName: "WhoAmI" }), 404, "");
  });
});

suite("actions", () => {
  test("CloseIncident", async () => {
    const account = await api.create({ collection: "accounts", data: { name: unique() } });
    const incident = await api.create({ collection: "incidents", data: { title: unique(), "customerid_account@odata.bind": `accounts(${account})` } });
    const close = () => api.callAction({
      actionName: "CloseIncident",
      action: { IncidentResolution: { subject: "Solved", timespent: 10, "incidentid@odata.bind": `/incidents(${incident})` }, Status: 5 },
    });
    assert.equal(await close(), undefined);
    const got = await api.retrieve({
      collection: "incidents", key: incident, select: ["statecode", "statuscode"], expand: [{ property: "Incident_IncidentResolutions", select: ["subject", "timespent"] }],
    });
    assert.deepEqual([got.statecode, got.statuscode], [1, 5]);
    assert.deepEqual(got.Incident_IncidentResolutions.map((r) => [r.subject, r.timespent]), [["Solved", 10]]);
    await refused(close(), 400, "0x80044411");
  });

  test("QualifyLead", async () => {
    const lead = await api.create({ collection: "leads", data: { subject: unique(), lastname: unique(), companyname: unique() } });
    const got = await api.callAction({
      collection: "leads", key: lead, actionName: "Microsoft.Dynamics.CRM.QualifyLead",
      action: { CreateAccount: true, CreateContact: true, CreateOpportunity: true, Status: 3 },
    });
    assert.deepEqual(got.value.map((r) => r["@odata.type"].replace("#Microsoft.Dynamics.CRM.", "")).sort(), ["account", "contact", "opportunity"]);
    const { statecode, statuscode } = await api.retrieve({ collection: "leads", key: lead, select: ["statecode", "statuscode"] });
    assert.deepEqual([statecode, statuscode], [1, 3]);
  });

  test("WinOpportunity and LoseOpportunity", async () => {
    for (const [actionName, Status, statecode] of [["WinOpportunity", 3, 1], ["LoseOpportunity", 4, 2]]) {
      const id = await api.create({ collection: "opportunities", data: { name: unique() } });
      await api.callAction({ actionName, action: { Status, OpportunityClose: { subject: "Done", "opportunityid@odata.bind": `opportunities(${id})` } } });
      const got = await api.retrieve({ collection: "opportunities", key: id, select: ["statecode", "statuscode"] });
      assert.deepEqual([got.statecode, got.statuscode], [statecode, Status]);
    }
  });

  test("AddToQueue, on a record", async () => {
    const queue = await api.create({ collection: "queues", data: { name: unique() } });
    const activityid = await api.create({ collection: "tasks", data: { subject: unique() } });
    const got = await api.callAction({
      collection: "queues", key: queue, actionName: "Microsoft.Dynamics.CRM.AddToQueue",
      action: { Target: { "@odata.type": "Microsoft.Dynamics.CRM.task", activityid } },
    });
    assert.match(got.QueueItemId, guid);
  });

  test("CreateMultiple and UpdateMultiple, on a collection", async () => {
    const mark = unique();
    const target = (data) => ({ "@odata.type": "Microsoft.Dynamics.CRM.account", ...data });
    const { Ids } = await api.callAction({
      collection: "accounts", actionName: "Microsoft.Dynamics.CRM.CreateMultiple", action: { Targets: [1, 2, 3].map((n) => target({ name: `${mark} ${n}` })) },
    });
    assert.equal(Ids.length, 3);
    await api.callAction({ collection: "accounts", actionName: "Microsoft.Dynamics.CRM.UpdateMultiple", action: { Targets: Ids.map((accountid) => target({ accountid, fax: mark })) } });
    assert.equal(await api.count({ collection: "accounts", filter: `fax eq '${mark}'` }), 3);
  });

  test("one that does not exist", () => refused(api.callAction({ actionName: "CloseEverything", action: {} }), 404, "0x8006088a"));

  test("one on a record without its namespace", async () => {
    const error = await api.callAction({ collection: "duplicaterules", key: randomUUID(), actionName: "PublishDuplicateRule", action: {} })
      .then(() => assert.fail("was answered"), (e) => e);
    assert.equal(error.status, 400);
    assert.equal(error.message, "Request message has unresolved parameters.");
  });
});

suite("acting for another user", () => {
  const who = async (request) => {
    const got = await api.create({
      collection: "contacts", data: { lastname: unique() }, returnRepresentation: true,
      select: ["_createdby_value", "_createdonbehalfby_value", "_ownerid_value"], ...request,
    });
    return [got._createdby_value, got._createdonbehalfby_value, got._ownerid_value];
  };

  test("by the ID in Dataverse", async () => {
    assert.deepEqual(await who({ impersonate: seed.agent.id }), [seed.agent.id, seed.applicationUser, seed.agent.id]);
  });

  test("by the ID in the directory", async () => {
    assert.deepEqual(await who({ impersonateAAD: seed.director.directoryID }), [seed.director.id, seed.applicationUser, seed.director.id]);
  });

  test("in all calls of a client, batches too", async () => {
    const asAgent = client({ impersonate: seed.agent.id });
    assert.equal((await asAgent.callFunction("WhoAmI")).UserId, seed.agent.id);
    asAgent.startBatch();
    asAgent.callFunction("WhoAmI");
    asAgent.create({ collection: "contacts", data: { lastname: unique() }, returnRepresentation: true, select: ["_createdby_value"] });
    const [me, made] = await asAgent.executeBatch();
    assert.deepEqual([me.UserId, made._createdby_value], [seed.agent.id, seed.agent.id]);
  });

  test("who is not there", async () => {
    await refused(who({ impersonate: randomUUID() }), 403, "0x8004a110");
    await refused(who({ impersonateAAD: randomUUID() }), 403, "0x8004a110");
  });

  test("nobody means the application", async () => {
    assert.match((await who({}))[0], guid);
    assert.deepEqual(await who({}), [seed.applicationUser, null, seed.applicationUser]);
  });
});
