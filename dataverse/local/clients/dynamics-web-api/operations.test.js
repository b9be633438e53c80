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
