// A plant's server as node-opcua has it: DI, Machinery, PackML and ISA-95 Job Control, an alarm that stands before
// anyone connects, history, a user, Basic256Sha256. Run: node server.js PORT FOLDER [NAMESPACES]; so many namespaces of
// others come before its own. Commands come by standard input.
const path = require("path");
const readline = require("readline");
const {
  OPCUAServer, OPCUACertificateManager, nodesets, DataType, Variant, VariantArrayType, StatusCodes, MessageSecurityMode,
  SecurityPolicy, coerceLocalizedText, promoteToStateMachine,
} = require("node-opcua");

const [port, folder, others] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4] || 0)];

async function main() {
  const certificates = new OPCUACertificateManager({
    automaticallyAcceptUnknownCertificate: true, rootFolder: path.join(folder, "pki"),
  });
  const server = new OPCUAServer({
    port,
    nodeset_filename: [nodesets.standard, nodesets.di, nodesets.ia, nodesets.machinery, nodesets.packML,
      nodesets.isa95JobControl],
    serverCertificateManager: certificates,
    userManager: { isValidUser: (user, password) => user === "operator" && password === "right" },
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    serverCapabilities: { operationLimits: { maxNodesPerRead: 7, maxNodesPerBrowse: 5, maxMonitoredItemsPerCall: 3 } },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  space.installAlarmsAndConditionsService();
  for (let number = 0; number < others; number += 1) space.registerNamespace(`urn:other:${number}`);
  const own = space.registerNamespace("urn:plant:line");
  const of = (uri) => space.getNamespaceIndex(uri);
  const machinery = of("http://opcfoundation.org/UA/Machinery/");
  const packml = of("http://opcfoundation.org/UA/PackML/");
  const job = space.getNamespaceArray().map((each) => each.namespaceUri).findIndex((uri) => /ISA95-JOBCONTROL/.test(uri));
  const child = (node, ...names) => names.reduce((at, name) => at.getComponentByName(name) || at.getChildByName(name), node);

  // Machinery: a press with its state and identification
  const machines = space.rootFolder.objects.getFolderElementByName("Machines", machinery);
  const press = own.addObject({ browseName: "Press 7", organizedBy: machines, eventNotifier: 1,
    eventSourceOf: space.rootFolder.objects.server });
  const blocks = own.addObject({ browseName: { name: "MachineryBuildingBlocks", namespaceIndex: machinery },
    typeDefinition: "FolderType", componentOf: press });
  const itemState = space.findObjectType("MachineryItemState_StateMachineType", machinery)
    .instantiate({ browseName: { name: "MachineryItemState", namespaceIndex: machinery }, componentOf: blocks });
  promoteToStateMachine(itemState);
  itemState.setState("NotExecuting");
  const identity = space.findObjectType("MachineIdentificationType", machinery)
    .instantiate({ browseName: "Identification", componentOf: press });
  identity.getChildByName("SerialNumber").setValueFromSource({ dataType: "String", value: "SN-4711" });

  // PackML: a filler
  const filler = space.findObjectType("PackMLBaseObjectType", packml).instantiate({
    browseName: "Filler", organizedBy: space.rootFolder.objects.getFolderElementByName("PackMLObjects", packml),
    optionals: ["Admin.ProdProcessedCount", "Admin.ProdDefectiveCount", "Admin.StopReason", "Status.CurMachSpeed"],
  });
  const machine = child(filler, "BaseStateMachine");
  const states = [machine, child(machine, "MachineState"), child(machine, "MachineState", "ExecuteState")];
  states.forEach((each) => promoteToStateMachine(each));
  const packState = (names) => names.forEach((name, place) => states[place].setState(name));
  packState(["Cleared", "Running", "Execute"]);
  const countType = space.findDataType("PackMLCountDataType", packml);
  const counted = (name, amounts) => child(filler, "Admin", name).setValueFromSource({
    dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array,
    value: amounts.map((count, id) => space.constructExtensionObject(countType, { id, name: "bottle", count, accCount: count })),
  });
  counted("ProdDefectiveCount", [3, 2]);
  counted("ProdProcessedCount", [100, 20]);
  child(filler, "Status", "CurMachSpeed").setValueFromSource({ dataType: "Float", value: 40 });

  // ISA-95 job control at the press
  const receiver = space.findObjectType("ISA95JobOrderReceiverObjectType", job)
    .instantiate({ browseName: "JobOrderControl", componentOf: press });
  const listType = space.findDataType("ISA95JobOrderAndStateDataType", job);
  const [orderType, stateType, materialType] = ["ISA95JobOrderDataType", "ISA95StateDataType", "ISA95MaterialDataType"]
    .map((name) => space.findDataType(name, job));
  const jobs = (list) => child(receiver, "JobOrderList").setValueFromSource({
    dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array,
    value: list.map(([id, state, number]) => space.constructExtensionObject(listType, {
      jobOrder: space.constructExtensionObject(orderType, {
        jobOrderID: id, priority: 3, startTime: new Date("2026-05-04T06:00:00Z"),
        materialRequirements: [
          space.constructExtensionObject(materialType, { materialDefinitionID: "CAP-20", materialUse: "Produced", quantity: "500" }),
          space.constructExtensionObject(materialType, { materialDefinitionID: "RES-200", materialUse: "Consumed", quantity: "12.5" }),
        ],
      }),
      state: [space.constructExtensionObject(stateType, { stateText: coerceLocalizedText(state), stateNumber: number })],
    })),
  });
  jobs([["WO-1", "Running", 3], ["WO-2", "AllowedToStart", 2]]);

  // A temperature with its history and a limit alarm that is on before anyone connects
  const temperature = own.addAnalogDataItem({ browseName: "Temperature", nodeId: "s=Temperature", componentOf: press,
    dataType: "Double", engineeringUnitsRange: { low: 0, high: 300 }, value: { dataType: "Double", value: 20 },
    engineeringUnits: require("node-opcua").standardUnits.degree_celsius, eventSourceOf: press });
  space.installHistoricalDataNode(temperature);
  const spare = own.addVariable({ browseName: "Spare", nodeId: "s=Spare", componentOf: press, dataType: "Int32",
    value: { dataType: "Int32", value: 1 } });
  own.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", {
    browseName: "Overheated", conditionName: "Overheated", conditionSource: temperature, inputNode: temperature, componentOf: press,
    highHighLimit: 200, highLimit: 100, lowLimit: -20, lowLowLimit: -40, optionals: ["ConfirmedState", "Confirm"],
  });
  const warm = (value) => temperature.setValueFromSource({ dataType: "Double", value });
  warm(120);

  await server.start();
  console.log("ready");
  const commands = {
    warm, jobs, counted, packState,
    item: (name) => itemState.setState(name),
    remove: () => space.deleteNode(spare.nodeId),
    bad: () => spare.setValueFromSource({ dataType: "Int32", value: 7 }, StatusCodes.BadSensorFailure),
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [name, ...given] = JSON.parse(line);
    try {
      commands[name](...given);
      console.log(`done ${name}`);
    } catch (error) {
      console.log(`failed ${name}: ${error.stack}`);
    }
  }
}

main().catch((error) => { console.error(error); process.exit(1); });
