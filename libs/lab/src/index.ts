export {
  LabError,
  LAB_RUNNER_METHODS,
  type BindFile,
  type CaptureDocument,
  type CaptureFormat,
  type CaptureRequest,
  type CaptureSource,
  type ClockDocument,
  type ClockMode,
  type ClockPatch,
  type CreateRequest,
  type DeployResult,
  type EventSubscription,
  type ExecRequest,
  type ExecResult,
  type Impairment,
  type InterfaceAddress,
  type InterfaceDetail,
  type JournalEntry,
  type LabDocument,
  type LabErrorData,
  type LabErrorKind,
  type LabEvent,
  type LabInput,
  type LabMessage,
  type LabRunner,
  type LabRunnerMethod,
  type LabState,
  type LabStatistics,
  type LinkDocument,
  type LinkEndpointDocument,
  type LinkPatch,
  type NamespaceDetail,
  type NodeDetail,
  type NodeKind,
  type NodeSummary,
  type Problem,
  type RouteDetail,
  type StartRequest,
  type Topology,
  type TopologyBind,
  type TopologyEndpoint,
  type TopologyLink,
  type TopologyNode,
} from './port.js';
export { connectRunner, labErrorData, serveRunner, type RunnerChannel } from './runner-rpc.js';
export { formatProblems, type Parsed } from './check.js';
export { BRIDGE_DEVICE, DEFAULT_MTU, interfaceNameFault } from './topology-links.js';
export {
  NODE_KINDS,
  parseLink,
  parseLinkPatch,
  parseNode,
  parseTopology,
  topologyDocument,
} from './topology.js';
export { durationText, impairmentDocument, netemDocument } from './netem.js';
export {
  SIGNALS,
  isScenarioText,
  parseScenario,
  type Expectation,
  type Scenario,
  type ScenarioOptions,
  type SignalName,
  type Step,
} from './scenario.js';
export {
  compareResults,
  describeStep,
  runScenario,
  type CommandOutcome,
  type ReadOutcome,
  type ScenarioBackend,
  type ScenarioReporter,
  type ScenarioResult,
  type StepResult,
} from './scenario-runner.js';
export { VERSION } from './version.js';
export { type WallClock } from './pacer.js';
export { createLabRunner, type LocalRunnerOptions } from './local-runner.js';
export { EmulatorBackend, type EmulatorOptions } from './emulator-backend.js';
export { EPOCH_SEC } from './epoch.js';
export { type Lab } from './lab.js';
export { Capture, type CaptureSettings, type CaptureWorld } from './capture.js';
